package logs

import (
	"errors"
	"log/slog"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatchlogs"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatchlogs/types"

	"redoubt/internal/api"
	"redoubt/internal/seal"
	"redoubt/internal/store"
	"redoubt/internal/store/embedded"
)

// made returns a service on a store of its own, with a group g and a stream s.
func made(t testing.TB) *Service {
	t.Helper()
	ring, err := seal.Open(t.Context(), "", t.TempDir())
	check(t, err)
	engine, err := embedded.Open(t.TempDir(), ring)
	check(t, err)
	db, err := store.Open(engine, ring)
	check(t, err)
	t.Cleanup(func() { check(t, db.Close()) })
	s, err := New(api.Deps{DB: db, Ring: ring, Log: slog.New(slog.DiscardHandler)})
	check(t, err)
	_, err = s.CreateLogGroup(t.Context(), &cloudwatchlogs.CreateLogGroupInput{LogGroupName: aws.String("g")})
	check(t, err)
	_, err = s.CreateLogStream(t.Context(), &cloudwatchlogs.CreateLogStreamInput{LogGroupName: aws.String("g"), LogStreamName: aws.String("s")})
	check(t, err)
	return s
}

func check(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func putAt(t testing.TB, s *Service, times ...time.Time) {
	t.Helper()
	in := &cloudwatchlogs.PutLogEventsInput{LogGroupName: aws.String("g"), LogStreamName: aws.String("s")}
	for _, at := range times {
		in.LogEvents = append(in.LogEvents, types.InputLogEvent{Timestamp: aws.Int64(at.UnixMilli()), Message: aws.String("event")})
	}
	_, err := s.PutLogEvents(t.Context(), in)
	check(t, err)
}

// chunksLeft counts the chunks in the store.
func chunksLeft(t testing.TB, s *Service) (n int) {
	t.Helper()
	check(t, s.db.View(t.Context(), func(tx *store.Tx) error {
		for _, err := range s.chunks.Scan(tx, store.Range{}) {
			if err != nil {
				return err
			}
			n++
		}
		return nil
	}))
	return n
}

func TestExpiredEventsAreRemoved(t *testing.T) {
	t.Parallel()
	s, now := made(t), time.Now()
	for range removalBatch + 1 {
		putAt(t, s, now.Add(-48*time.Hour))
	}
	putAt(t, s, now.Add(-time.Hour), now)
	_, err := s.PutRetentionPolicy(t.Context(), &cloudwatchlogs.PutRetentionPolicyInput{LogGroupName: aws.String("g"), RetentionInDays: aws.Int32(1)})
	check(t, err)
	got, err := s.GetLogEvents(t.Context(), &cloudwatchlogs.GetLogEventsInput{LogGroupName: aws.String("g"), LogStreamName: aws.String("s")})
	check(t, err)
	if len(got.Events) != 2 {
		t.Errorf("%d events are shown before they are removed", len(got.Events))
	}
	check(t, s.expire(t.Context()))
	if n := chunksLeft(t, s); n != 2 {
		t.Errorf("%d chunks are left", n)
	}
	streams, err := s.DescribeLogStreams(t.Context(), &cloudwatchlogs.DescribeLogStreamsInput{LogGroupName: aws.String("g")})
	check(t, err)
	if first := *streams.LogStreams[0].FirstEventTimestamp; first != now.Add(-time.Hour).UnixMilli() {
		t.Errorf("the first event is at %d", first)
	}
}

func TestDataOfADeletedGroupIsRemoved(t *testing.T) {
	t.Parallel()
	s := made(t)
	for range 2*removalBatch + 1 {
		putAt(t, s, time.Now())
	}
	_, err := s.DeleteLogGroup(t.Context(), &cloudwatchlogs.DeleteLogGroupInput{LogGroupName: aws.String("g")})
	check(t, err)
	messages, err := s.db.Messages(t.Context(), deletions, 0, 10)
	check(t, err)
	for _, m := range messages {
		check(t, s.remove(t.Context(), m))
		check(t, s.remove(t.Context(), m)) // as after a crash
	}
	if n := chunksLeft(t, s); n != 0 || len(messages) != 1 {
		t.Errorf("%d chunks are left after %d messages", n, len(messages))
	}
}

func TestPositionsAreOrderedAsTheirEvents(t *testing.T) {
	t.Parallel()
	p := positionOf(1_700_000_000_000, 7, 3, newID())
	q, ok := parsePosition(p.String())
	if !ok || q != p || len(p.String()) != 56 || p.time() != 1_700_000_000_000 {
		t.Errorf("%v became %v", p, q)
	}
	if p.next().previous() != p || p.compare(p.next()) >= 0 || positionOf(1, 255, 0, "").compare(positionOf(1, 256, 0, "")) >= 0 {
		t.Error("positions are out of order")
	}
}

func TestUnknownFormatOfEventsIsDamage(t *testing.T) {
	b := (&packer{}).encode([]event{{5, "a"}})
	b[0] = 2
	if events, err := decode(b, 5); !errors.Is(err, store.ErrCorrupt) || events != nil {
		t.Errorf("got %v, %v", events, err)
	}
}

func FuzzDecode(f *testing.F) {
	p := &packer{}
	f.Add(p.encode([]event{{5, "a"}, {7, "b"}}))
	f.Fuzz(func(t *testing.T, data []byte) {
		if events, err := decode(data, 5); err == nil && len(events) > 0 {
			again, err := decode(p.encode(events), events[0].time)
			if err != nil || len(again) != len(events) {
				t.Errorf("%v became %v, %v", events, again, err)
			}
		}
	})
}

func BenchmarkPut(b *testing.B) {
	for name, n := range map[string]int{"one": 1, "hundred": 100} {
		b.Run(name, func(b *testing.B) {
			s := made(b)
			b.SetParallelism(16)
			b.RunParallel(func(pb *testing.PB) {
				for pb.Next() {
					times := make([]time.Time, n)
					for i := range times {
						times[i] = time.Now()
					}
					putAt(b, s, times...)
				}
			})
			b.ReportMetric(float64(b.N*n)/b.Elapsed().Seconds(), "events/s")
		})
	}
}
