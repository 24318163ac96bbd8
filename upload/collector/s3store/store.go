package s3store

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"slices"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/config"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/s3/types"
	"github.com/aws/smithy-go/middleware"

	"roagent/upload"
	"roagent/upload/collector"
)

// Store is a [collector.Store] in a bucket of Amazon S3, or of another server that speaks its protocol. The server must honour
// If-None-Match, which is how two processes agree on who was first, and the bucket must keep no old versions, since what is
// removed must be gone. [Store.Open] refuses what does not.
//
// A request that failed on the way (a broken connection, a 5xx, a 409 of two creates at once) is tried again by the SDK, some
// times within seconds; whatever else fails is the caller's.
type Store struct {
	Timeout   time.Duration                     // of one request, with all tries
	MustExist bool                              // Open makes no new store
	Options   []func(*config.LoadOptions) error // beside what the SDK finds in the environment and in its files

	bucket    string
	prefix    string // "" or with a slash at its end
	pathStyle *bool  // nil: where the endpoint is not Amazon's
	client    *s3.Client
}

// DefaultTimeout is that of a new [Store].
const DefaultTimeout = 30 * time.Second

// maxObject bounds what is read and stored: a batch that did not compress, and some more.
const maxObject = 2 * upload.MaxBatch

// listPage is how many keys S3 lists, and deletes, at once.
const listPage = 1000

// Close does nothing: connections that idle end by themselves.
func (s *Store) Close() error { return nil }

// Put implements [collector.Store]. S3 makes an object visible whole and durable, or not at all.
func (s *Store) Put(ctx context.Context, name string, data []byte, mode collector.PutMode) error {
	if err := check(ctx, name); err != nil {
		return fmt.Errorf("put %s: %w", name, err)
	}
	if len(data) > maxObject {
		return fmt.Errorf("put %s: it has %d bytes; %d is the most", name, len(data), maxObject)
	}
	tries, err := s.put(ctx, name, data, mode)
	if err == nil {
		return nil
	}
	if mode != collector.Create || codeOf(err) != "PreconditionFailed" {
		return fmt.Errorf("put %s: %w", name, s.explain(ctx, err))
	}
	if tries > 1 { // the one that took the name may be this one, of which the first answer was lost
		held, err := s.Get(ctx, name)
		if err != nil && !errors.Is(err, fs.ErrNotExist) {
			return fmt.Errorf("put %s: %w", name, err)
		}
		if err == nil && bytes.Equal(held, data) {
			return nil
		}
	}
	return fmt.Errorf("put %s: %w", name, fs.ErrExist)
}

// put makes the request, and tells how often it was tried.
func (s *Store) put(ctx context.Context, name string, data []byte, mode collector.PutMode) (tries int, err error) {
	sum := sha256.Sum256(data)
	in := &s3.PutObjectInput{
		Bucket: &s.bucket, Key: s.key(name), Body: bytes.NewReader(data),
		ContentLength:  aws.Int64(int64(len(data))),
		ChecksumSHA256: aws.String(base64.StdEncoding.EncodeToString(sum[:])),
	}
	if mode == collector.Create {
		in.IfNoneMatch = aws.String("*")
	}
	ctx, cancel := context.WithTimeout(ctx, s.Timeout)
	defer cancel()
	out, err := s.client.PutObject(ctx, in, counting(&tries))
	if err == nil && out.ChecksumSHA256 != nil && *out.ChecksumSHA256 != *in.ChecksumSHA256 {
		err = errors.New("the S3 server says that it stored other bytes")
	}
	return tries, err
}

// counting counts the tries of a request.
func counting(tries *int) func(*s3.Options) {
	count := middleware.FinalizeMiddlewareFunc("CountTries", func(ctx context.Context, in middleware.FinalizeInput, next middleware.FinalizeHandler) (
		middleware.FinalizeOutput, middleware.Metadata, error,
	) {
		*tries++
		return next.HandleFinalize(ctx, in)
	})
	return s3.WithAPIOptions(func(stack *middleware.Stack) error { return stack.Finalize.Insert(count, "Retry", middleware.After) })
}

// Get implements [collector.Store]. Where the server keeps the checksum that came with the object, which S3 does, the bytes are held against it.
func (s *Store) Get(ctx context.Context, name string) ([]byte, error) {
	if err := check(ctx, name); err != nil {
		return nil, fmt.Errorf("get %s: %w", name, err)
	}
	within, cancel := context.WithTimeout(ctx, s.Timeout)
	defer cancel()
	data, err := s.get(within, name)
	if err != nil {
		// Only this code: a missing bucket, or a proxy's 404, must not pass for an object that nobody put.
		if codeOf(err) == "NoSuchKey" {
			err = fs.ErrNotExist
		} else {
			err = s.explain(ctx, err)
		}
		return nil, fmt.Errorf("get %s: %w", name, err)
	}
	return data, nil
}

func (s *Store) get(ctx context.Context, name string) ([]byte, error) {
	out, err := s.client.GetObject(ctx, &s3.GetObjectInput{
		Bucket: &s.bucket, Key: s.key(name), ChecksumMode: types.ChecksumModeEnabled,
	})
	if err != nil {
		return nil, err
	}
	defer out.Body.Close()
	var b bytes.Buffer
	b.Grow(int(min(max(aws.ToInt64(out.ContentLength), 0), maxObject)) + bytes.MinRead)
	if _, err := io.Copy(&b, io.LimitReader(out.Body, maxObject+1)); err != nil {
		return nil, err
	}
	if b.Len() > maxObject {
		return nil, fmt.Errorf("it has more than %d bytes, which nothing here stored", maxObject)
	}
	return b.Bytes(), nil
}

// List implements [collector.Store]. A version is the object's ETag: by S3's word it changes with the content, and only with it.
func (s *Store) List(ctx context.Context, folder string) ([]collector.Object, error) {
	if err := check(ctx, folder); err != nil {
		return nil, fmt.Errorf("list %s: %w", folder, err)
	}
	var objects []collector.Object
	err := s.pages(ctx, folder+"/", func(page []types.Object) error {
		for _, o := range page {
			name := strings.TrimPrefix(aws.ToString(o.Key), s.prefix)
			switch {
			case collector.CheckName(name) != nil: // a console's mark of a folder: nothing here put it
			case aws.ToString(o.ETag) == "":
				return fmt.Errorf("the S3 server lists %s without an ETag", name)
			default:
				objects = append(objects, collector.Object{Name: name, Size: aws.ToInt64(o.Size), Version: *o.ETag})
			}
		}
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("list %s: %w", folder, err)
	}
	slices.SortFunc(objects, func(a, b collector.Object) int { return strings.Compare(a.Name, b.Name) })
	return objects, nil
}

// pages calls do with each page of the objects whose names begin with this.
func (s *Store) pages(ctx context.Context, begin string, do func([]types.Object) error) error {
	in := &s3.ListObjectsV2Input{Bucket: &s.bucket, Prefix: s.key(begin), MaxKeys: aws.Int32(listPage)}
	for {
		out, err := s.page(ctx, in)
		if err != nil {
			return err
		}
		for _, o := range out.Contents {
			if !strings.HasPrefix(aws.ToString(o.Key), *in.Prefix) {
				return errors.New("the S3 server lists what was not asked for")
			}
		}
		if err := do(out.Contents); err != nil || !aws.ToBool(out.IsTruncated) {
			return err
		}
		next := aws.ToString(out.NextContinuationToken)
		if next == "" || next == aws.ToString(in.ContinuationToken) { // half a list would pass for a whole one, or it would never end
			return errors.New("the S3 server does not say where its list goes on")
		}
		in.ContinuationToken = &next
	}
}

func (s *Store) page(ctx context.Context, in *s3.ListObjectsV2Input) (*s3.ListObjectsV2Output, error) {
	within, cancel := context.WithTimeout(ctx, s.Timeout)
	defer cancel()
	out, err := s.client.ListObjectsV2(within, in)
	if err != nil {
		return nil, s.explain(ctx, err)
	}
	return out, nil
}

// Remove implements [collector.Store]. A put is one request, so one that was cut off leaves nothing. Objects that cannot be deleted do not keep
// it from the others.
func (s *Store) Remove(ctx context.Context, name string) error {
	if err := check(ctx, name); err != nil {
		return fmt.Errorf("remove %s: %w", name, err)
	}
	var left undeleted
	err := s.remove(ctx, []types.ObjectIdentifier{{Key: s.key(name)}}, &left)
	if err == nil {
		err = s.pages(ctx, name+"/", func(page []types.Object) error {
			keys := make([]types.ObjectIdentifier, len(page))
			for i, o := range page {
				keys[i].Key = o.Key
			}
			return s.remove(ctx, keys, &left)
		})
	}
	if err := errors.Join(err, left.error()); err != nil {
		return fmt.Errorf("remove %s: %w", name, err)
	}
	return nil
}

func (s *Store) remove(ctx context.Context, keys []types.ObjectIdentifier, left *undeleted) error {
	if len(keys) == 0 {
		return nil
	}
	within, cancel := context.WithTimeout(ctx, s.Timeout)
	defer cancel()
	out, err := s.client.DeleteObjects(within, &s3.DeleteObjectsInput{Bucket: &s.bucket, Delete: &types.Delete{Objects: keys}})
	if err != nil {
		return s.explain(ctx, err)
	}
	for _, d := range out.Deleted {
		if aws.ToBool(d.DeleteMarker) { // versioning was switched on since Open looked
			return errVersioned
		}
	}
	for _, e := range out.Errors {
		left.add(strings.TrimPrefix(aws.ToString(e.Key), s.prefix), aws.ToString(e.Code))
	}
	return nil
}

// undeleted is what a Remove could not delete. A key that is not there is no error in S3.
type undeleted struct {
	count int
	first string
	code  string
}

func (u *undeleted) add(name, code string) {
	if u.count == 0 {
		u.first, u.code = name, code
	}
	u.count++
}

func (u *undeleted) error() error {
	if u.count == 0 {
		return nil
	}
	return fmt.Errorf("%d objects are still there; of the first, %q, the S3 server says %s%s", u.count, u.first, printable(u.code), hintFor(u.code))
}

func (s *Store) key(name string) *string { return aws.String(s.prefix + name) }

// check is what every operation does first.
func check(ctx context.Context, name string) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	return collector.CheckName(name)
}
