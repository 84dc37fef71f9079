package lambda_test

import (
	"encoding/base64"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/lambda"
	"github.com/aws/aws-sdk-go-v2/service/lambda/types"
)

const streamer = `
exports.handler = awslambda.streamifyResponse(async (event, stream) => {
  stream.setContentType("text/plain");
  for (const word of event.words) {
    stream.write(word);
    await new Promise((done) => setTimeout(done, 20));
  }
  if (event.fail) throw new Error(event.fail);
  stream.end();
});
`

// streamed invokes a function and gathers what comes.
func (w *world) streamed(in *lambda.InvokeWithResponseStreamInput) (out *lambda.InvokeWithResponseStreamOutput, chunks []string, end types.InvokeWithResponseStreamCompleteEvent) {
	w.Helper()
	out, err := w.lambda.InvokeWithResponseStream(w.ctx, in)
	w.must(err)
	s := out.GetStream()
	defer s.Close()
	for e := range s.Events() {
		switch e := e.(type) {
		case *types.InvokeWithResponseStreamResponseEventMemberPayloadChunk:
			chunks = append(chunks, string(e.Value.Payload))
		case *types.InvokeWithResponseStreamResponseEventMemberInvokeComplete:
			end = e.Value
		}
	}
	w.must(s.Err())
	return out, chunks, end
}

func TestResponseIsStreamedAsItComes(t *testing.T) {
	needs(t, "node")
	w := newWorld(t)
	w.create("f", node(streamer))
	out, chunks, end := w.streamed(&lambda.InvokeWithResponseStreamInput{
		FunctionName: aws.String("f"), Payload: []byte(`{"words":["one ","two ","three"]}`), LogType: types.LogTypeTail,
	})
	if out.StatusCode != 200 || aws.ToString(out.ExecutedVersion) != "$LATEST" || aws.ToString(out.ResponseStreamContentType) != "text/plain" {
		t.Errorf("status %d, version %s, content type %s", out.StatusCode, aws.ToString(out.ExecutedVersion), aws.ToString(out.ResponseStreamContentType))
	}
	if strings.Join(chunks, "") != "one two three" || len(chunks) < 2 {
		t.Errorf("chunks %q", chunks)
	}
	log, err := base64.StdEncoding.DecodeString(aws.ToString(end.LogResult))
	if err != nil || end.ErrorCode != nil || !strings.Contains(string(log), "REPORT RequestId: ") {
		t.Errorf("end %+v, log %s", end, log)
	}
}

func TestErrorAfterTheFirstChunkEndsTheStream(t *testing.T) {
	needs(t, "node")
	w := newWorld(t)
	w.create("f", node(streamer))
	_, chunks, end := w.streamed(&lambda.InvokeWithResponseStreamInput{FunctionName: aws.String("f"), Payload: []byte(`{"words":["one"],"fail":"no more"}`)})
	if strings.Join(chunks, "") != "one" || aws.ToString(end.ErrorCode) == "" || !strings.Contains(aws.ToString(end.ErrorDetails), "no more") {
		t.Errorf("chunks %q, code %q, details %q", chunks, aws.ToString(end.ErrorCode), aws.ToString(end.ErrorDetails))
	}
}

func TestFunctionThatDoesNotStreamAnswersInOnePiece(t *testing.T) {
	needs(t, "python3")
	w := newWorld(t)
	w.create("f", python("def handler(event, context):\n    return [event['n'] + 1]\n"))
	_, chunks, end := w.streamed(&lambda.InvokeWithResponseStreamInput{FunctionName: aws.String("f"), Payload: []byte(`{"n":1}`)})
	if strings.Join(chunks, "|") != "[2]" || end.ErrorCode != nil {
		t.Errorf("chunks %q, end %+v", chunks, end)
	}
}

func TestStreamNeedsThePermissionToInvoke(t *testing.T) {
	w := newWorld(t)
	w.create("f", python("def handler(event, context):\n    return 1\n"))
	stranger := lambda.NewFromConfig(w.user("stranger", `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"lambda:InvokeAsync","Resource":"*"}]}`))
	_, err := stranger.InvokeWithResponseStream(w.ctx, &lambda.InvokeWithResponseStreamInput{FunctionName: aws.String("f")})
	wantError(t, err, "AccessDeniedException", "lambda:InvokeFunction")
}

func TestStreamOfAMissingFunctionIsAnError(t *testing.T) {
	w := newWorld(t)
	_, err := w.lambda.InvokeWithResponseStream(w.ctx, &lambda.InvokeWithResponseStreamInput{FunctionName: aws.String("none")})
	wantError(t, err, "ResourceNotFoundException", "Function not found")
}
