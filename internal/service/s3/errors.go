package s3

import (
	"strconv"
	"time"

	"redoubt/internal/wire"
)

// refusals are the errors of S3 with their statuses and words.
// https://docs.aws.amazon.com/AmazonS3/latest/API/ErrorResponses.html#ErrorCodeList
var refusals = map[string]struct {
	status int
	text   string
}{
	"AccessControlListNotSupported":                  {400, "The bucket does not allow ACLs"},
	"AccessForbidden":                                {403, "Access forbidden"},
	"AccessDenied":                                   {403, "Access Denied"},
	"BadDigest":                                      {400, "The Content-MD5 or checksum value that you specified did not match what the server received."},
	"BadRequest":                                     {400, "Bad Request"},
	"BucketAlreadyExists":                            {409, "The requested bucket name is not available. The bucket namespace is shared by all users of the system. Please select a different name and try again."},
	"BucketAlreadyOwnedByYou":                        {409, "Your previous request to create the named bucket succeeded and you already own it."},
	"BucketNotEmpty":                                 {409, "The bucket you tried to delete is not empty"},
	"ConditionalRequestConflict":                     {409, "The conditional request cannot succeed due to a conflicting operation against this resource."},
	"EntityTooLarge":                                 {400, "Your proposed upload exceeds the maximum allowed size"},
	"EntityTooSmall":                                 {400, "Your proposed upload is smaller than the minimum allowed size"},
	"IllegalLocationConstraintException":             {400, "The specified location-constraint is not valid"},
	"IllegalVersioningConfigurationException":        {400, "The Versioning configuration specified in the request is invalid."},
	"IncompleteBody":                                 {400, "You did not provide the number of bytes specified by the Content-Length HTTP header"},
	"InvalidArgument":                                {400, "Invalid Argument"},
	"InvalidBucketName":                              {400, "The specified bucket is not valid."},
	"InvalidBucketState":                             {409, "The request is not valid with the current state of the bucket."},
	"InvalidDigest":                                  {400, "The Content-MD5 you specified was invalid."},
	"InvalidLocationConstraint":                      {400, "The specified location-constraint is not valid"},
	"InvalidPart":                                    {400, "One or more of the specified parts could not be found.  The part may not have been uploaded, or the specified entity tag may not match the part's entity tag."},
	"InvalidPartNumber":                              {416, "The requested partnumber is not satisfiable"},
	"InvalidPartOrder":                               {400, "The list of parts was not in ascending order. Parts must be ordered by part number."},
	"InvalidRedirectLocation":                        {400, "The website redirect location is not valid."},
	"InvalidRange":                                   {416, "The requested range is not satisfiable"},
	"InvalidRequest":                                 {400, "Invalid Request"},
	"InvalidStorageClass":                            {400, "The storage class you specified is not valid"},
	"InvalidTag":                                     {400, "The tag provided was not a valid tag."},
	"InvalidTargetBucketForLogging":                  {400, "The target bucket for logging is not valid."},
	"KeyTooLongError":                                {400, "Your key is too long"},
	"MalformedPolicy":                                {400, "Policies must be valid JSON and the first byte must be '{'"},
	"MalformedXML":                                   {400, "The XML you provided was not well-formed or did not validate against our published schema"},
	"MetadataTooLarge":                               {400, "Your metadata headers exceed the maximum allowed metadata size"},
	"MethodNotAllowed":                               {405, "The specified method is not allowed against this resource."},
	"NoSuchBucket":                                   {404, "The specified bucket does not exist"},
	"NoSuchBucketPolicy":                             {404, "The bucket policy does not exist"},
	"NoSuchCORSConfiguration":                        {404, "The CORS configuration does not exist"},
	"NoSuchKey":                                      {404, "The specified key does not exist."},
	"NoSuchLifecycleConfiguration":                   {404, "The lifecycle configuration does not exist"},
	"NoSuchObjectLockConfiguration":                  {404, "The specified object does not have a ObjectLock configuration"},
	"NoSuchPublicAccessBlockConfiguration":           {404, "The public access block configuration was not found"},
	"NoSuchTagSet":                                   {404, "The TagSet does not exist"},
	"NoSuchUpload":                                   {404, "The specified upload does not exist. The upload ID may be invalid, or the upload may have been aborted or completed."},
	"NoSuchVersion":                                  {404, "The specified version does not exist."},
	"NoSuchWebsiteConfiguration":                     {404, "The specified bucket does not have a website configuration"},
	"NotImplemented":                                 {501, "A header you provided implies functionality that is not implemented"},
	"NotModified":                                    {304, "Not Modified"},
	"ObjectLockConfigurationNotFoundError":           {404, "Object Lock configuration does not exist for this bucket"},
	"OwnershipControlsNotFoundError":                 {404, "The bucket ownership controls were not found"},
	"PolicyTooLarge":                                 {400, "Policy exceeds the maximum allowed document size."},
	"PreconditionFailed":                             {412, "At least one of the pre-conditions you specified did not hold"},
	"ServerSideEncryptionConfigurationNotFoundError": {404, "The server side encryption configuration was not found"},
	"TooManyBuckets":                                 {400, "You have attempted to create more buckets than allowed"},
}

// refuse is the error of that code in S3's words.
func refuse(code string, detail ...wire.Detail) *wire.Error {
	r := refusals[code]
	return &wire.Error{Code: code, Status: r.status, Message: r.text, Detail: detail}
}

// refusef is the error of that code in other words.
func refusef(code, format string, args ...any) *wire.Error {
	return wire.Errorf(code, refusals[code].status, format, args...)
}

// badArgument names the argument that is wrong, and its value.
func badArgument(name, value, why string) error {
	err := refuse("InvalidArgument", wire.Detail{Name: "ArgumentName", Text: name}, wire.Detail{Name: "ArgumentValue", Text: value})
	err.Message = why
	return err
}

// absent refuses what S3 has and Redoubt has not.
func absent(what string) error {
	return refusef("NotImplemented", "%s is not supported by Redoubt yet", what)
}

func noSuchBucket(bucket string) error {
	return refuse("NoSuchBucket", wire.Detail{Name: "BucketName", Text: bucket})
}

func noSuchKey(key string) error { return refuse("NoSuchKey", wire.Detail{Name: "Key", Text: key}) }

func noSuchVersion(key, version string) error {
	return refuse("NoSuchVersion", wire.Detail{Name: "Key", Text: key}, wire.Detail{Name: "VersionId", Text: version})
}

// isMarker refuses to read a delete marker: as a missing key where it is the current version, and otherwise as what it is.
// https://docs.aws.amazon.com/AmazonS3/latest/userguide/DeleteMarker.html
func isMarker(o *Object, key string, named bool) error {
	err := refuse("NoSuchKey", wire.Detail{Name: "Key", Text: key})
	if named {
		err = refuse("MethodNotAllowed", wire.Detail{Name: "Method", Text: "GET"}, wire.Detail{Name: "ResourceType", Text: "DeleteMarker"})
		err.Header = map[string]string{"Allow": "DELETE", "Last-Modified": o.Modified.UTC().Format(httpTime)}
	} else {
		err.Header = map[string]string{}
	}
	err.Header["X-Amz-Delete-Marker"] = "true"
	err.Header["X-Amz-Version-Id"] = o.Version
	return err
}

// httpTime is how headers have times.
const httpTime = "Mon, 02 Jan 2006 15:04:05 GMT"

func preconditionFailed(condition string) error {
	return refuse("PreconditionFailed", wire.Detail{Name: "Condition", Text: condition})
}

// notModified answers a conditional read of what the client has already.
func notModified(o *Object) error {
	err := refuse("NotModified")
	err.Header = map[string]string{"Etag": quoted(o.ETag), "Last-Modified": o.Modified.UTC().Format(httpTime)}
	return err
}

func badRange(asked string, size int64) error {
	return refuse("InvalidRange", wire.Detail{Name: "RangeRequested", Text: asked},
		wire.Detail{Name: "ActualObjectSize", Text: strconv.FormatInt(size, 10)})
}

// second is the granularity of times in headers.
func second(t time.Time) time.Time { return t.Truncate(time.Second) }
