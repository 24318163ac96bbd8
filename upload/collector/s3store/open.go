package s3store

import (
	"bytes"
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io/fs"
	"net"
	"net/http"
	"net/url"
	"regexp"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/aws/retry"
	awshttp "github.com/aws/aws-sdk-go-v2/aws/transport/http"
	"github.com/aws/aws-sdk-go-v2/config"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/s3/types"
	"github.com/aws/smithy-go/logging"

	"roagent/upload/collector"
)

// What a request may try, and wait for.
const (
	s3Tries      = 4
	s3Backoff    = 2 * time.Second // the longest time between two tries
	s3DialTime   = 5 * time.Second
	s3AnswerTime = 15 * time.Second // until an answer begins, once the request is sent
	s3Idle       = 200              // connections kept
)

// The rules of S3's user guide for general purpose buckets, without those that only S3 enforces.
var bucketName = regexp.MustCompile(`^[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]$`)

// New returns the store at s3://BUCKET or s3://BUCKET/PREFIX. All else is what the AWS SDK finds in the environment and its files:
// credentials, AWS_REGION, AWS_ENDPOINT_URL_S3, AWS_CA_BUNDLE. ?path-style=true or false says how the bucket is addressed; without it the
// path is used wherever the endpoint is not Amazon's.
func New(location string) (*Store, error) {
	u, err := url.Parse(location)
	if err != nil || u.Scheme != "s3" || u.Opaque != "" || u.Fragment != "" {
		return nil, errors.New("a store in S3 is named s3://BUCKET/PREFIX") // what was given may hold a secret
	}
	if u.User != nil {
		return nil, errors.New("credentials do not belong into the name of a store, where others see them; set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or AWS_PROFILE")
	}
	if !bucketName.MatchString(u.Host) {
		return nil, fmt.Errorf("%q is not the name of a bucket", u.Host)
	}
	s := &Store{Timeout: DefaultTimeout, bucket: u.Host}
	if prefix := strings.Trim(u.Path, "/"); prefix != "" {
		if err := collector.CheckName(prefix); err != nil {
			return nil, err
		}
		s.prefix = prefix + "/"
	}
	for key, values := range u.Query() {
		style, err := strconv.ParseBool(values[0])
		if key != "path-style" || len(values) > 1 || err != nil {
			return nil, errors.New("after the ? of a store in S3 there is path-style=true or path-style=false; region and endpoint are AWS_REGION and AWS_ENDPOINT_URL_S3")
		}
		s.pathStyle = &style
	}
	return s, nil
}

// Open finds the credentials and the server, and makes sure of what the store needs: a bucket that is there and keeps no old
// versions, that objects can be put and deleted, and that of several creates of one name one wins.
func (s *Store) Open(ctx context.Context) error {
	for _, step := range []func(context.Context) error{s.connect, s.look, s.refuseVersions, s.tryWrites} {
		if err := step(ctx); err != nil {
			return fmt.Errorf("open store s3://%s/%s: %w", s.bucket, s.prefix, err)
		}
	}
	return nil
}

func (s *Store) connect(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, s.Timeout)
	defer cancel()
	client := awshttp.NewBuildableClient().
		WithDialerOptions(func(d *net.Dialer) { d.Timeout = s3DialTime }).
		WithTransportOptions(func(t *http.Transport) {
			t.ResponseHeaderTimeout = min(s3AnswerTime, s.Timeout)
			t.MaxIdleConns, t.MaxIdleConnsPerHost = s3Idle, s3Idle
		})
	cfg, err := config.LoadDefaultConfig(ctx, append([]func(*config.LoadOptions) error{
		config.WithLogger(logging.Nop{}), config.WithHTTPClient(client), config.WithRetryer(newRetryer),
	}, s.Options...)...)
	if err != nil {
		return fmt.Errorf("the AWS SDK's configuration: %w", err)
	}
	cfg.ClientLogMode = 0 // it would show signatures
	var bad error
	s.client = s3.NewFromConfig(cfg, func(o *s3.Options) { bad = s.address(o) })
	if bad != nil {
		return bad
	}
	if _, err := cfg.Credentials.Retrieve(ctx); err != nil {
		return fmt.Errorf("no credentials: %w; set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or AWS_PROFILE, or let the machine have a role", err)
	}
	return nil
}

// address decides on the region and on how the bucket is named in requests, and refuses endpoints that must not be used.
func (s *Store) address(o *s3.Options) error {
	foreign := false
	if o.BaseEndpoint != nil {
		u, err := url.Parse(*o.BaseEndpoint)
		switch {
		case err != nil || u.Host == "" || u.Scheme != "https" && u.Scheme != "http":
			return errors.New("the endpoint (AWS_ENDPOINT_URL_S3) is not a URL like https://s3.example.com")
		case u.User != nil:
			return errors.New("the endpoint (AWS_ENDPOINT_URL_S3) has credentials in it; they do not belong there")
		case u.Scheme == "http" && !isLoopback(u.Hostname()):
			return fmt.Errorf("the endpoint http://%s is not https: customers' data must not cross a network in clear text", u.Host)
		}
		foreign = !strings.HasSuffix(u.Hostname(), ".amazonaws.com") && !strings.HasSuffix(u.Hostname(), ".amazonaws.com.cn")
	}
	if o.UsePathStyle = foreign; s.pathStyle != nil {
		o.UsePathStyle = *s.pathStyle
	}
	if o.Region == "" && foreign {
		o.Region = "us-east-1" // which is what such servers call theirs where nobody named it
	}
	if o.Region == "" {
		return errors.New("no region: set AWS_REGION to the bucket's")
	}
	return nil
}

// isLoopback reports whether a host can be reached from this machine only.
func isLoopback(host string) bool {
	ip := net.ParseIP(host)
	return host == "localhost" || ip != nil && ip.IsLoopback()
}

// newRetryer returns the SDK's own, which knows what is transient and keeps a budget of tries for all requests, with what a create
// may meet besides: 409 while another create of the name is under way.
func newRetryer() aws.Retryer {
	return retry.NewStandard(func(o *retry.StandardOptions) {
		o.MaxAttempts, o.MaxBackoff = s3Tries, s3Backoff
		o.Retryables = append(o.Retryables, retry.RetryableErrorCode{Codes: map[string]struct{}{"ConditionalRequestConflict": {}}})
	})
}

// ErrNoStore is what [Store.Open] wraps where a store must exist and does not.
var ErrNoStore = errors.New("nothing was ever stored there: is the name right?")

// look asks for a list, since its errors, unlike those of HeadBucket, say what is wrong.
func (s *Store) look(ctx context.Context) error {
	out, err := s.page(ctx, &s3.ListObjectsV2Input{Bucket: &s.bucket, Prefix: s.key(""), MaxKeys: aws.Int32(1)})
	if err == nil && s.MustExist && len(out.Contents) == 0 {
		err = ErrNoStore
	}
	return err
}

var errVersioned = errors.New("the bucket has versioning, or had it: what a dealer who leaves has deleted would still be there. " +
	"Give the collector a bucket of its own that never had versioning")

// refuseVersions also refuses a bucket whose versioning is suspended: it keeps what it had.
func (s *Store) refuseVersions(ctx context.Context) error {
	within, cancel := context.WithTimeout(ctx, s.Timeout)
	defer cancel()
	out, err := s.client.GetBucketVersioning(within, &s3.GetBucketVersioningInput{Bucket: &s.bucket})
	switch code := codeOf(err); {
	case code == "NotImplemented" || code == "VersioningNotConfigured": // the server knows no versions
		return nil
	case err != nil:
		return s.explain(ctx, err)
	case out.Status == types.BucketVersioningStatusEnabled || out.Status == types.BucketVersioningStatusSuspended:
		return errVersioned
	}
	return nil
}

var errUnconditional = errors.New("the S3 server does not honour If-None-Match: two collectors could give receipts for different bytes under one name. " +
	"Amazon S3 does; so do current releases of many other servers")

// tryWrites lets several creates of one name race, as two collectors would, and removes what came of it.
func (s *Store) tryWrites(ctx context.Context) error {
	const racers = 8
	name := "probes/" + rand.Text()
	var group sync.WaitGroup
	var errs [racers]error
	for i := range racers {
		group.Go(func() { errs[i] = s.Put(ctx, name, []byte{'a' + byte(i)}, collector.Create) })
	}
	group.Wait()
	var won []byte
	for i, err := range errs {
		switch {
		case err == nil:
			won = append(won, 'a'+byte(i))
		case !errors.Is(err, fs.ErrExist):
			return errors.Join(err, s.Remove(ctx, name))
		}
	}
	held, err := s.Get(ctx, name)
	if err := errors.Join(err, s.Remove(ctx, name)); err != nil {
		return err
	}
	if !bytes.Equal(won, held) {
		return errUnconditional
	}
	if _, err := s.Get(ctx, name); !errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("what was deleted is still there, or its absence cannot be told: %w", err)
	}
	return nil
}
