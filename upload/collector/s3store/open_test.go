package s3store_test

import (
	"context"
	"net/http"
	"os/exec"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/config"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/s3/types"

	"roagent/upload/collector/s3store"
	"roagent/upload/collector/s3store/s3test"
)

func TestS3Locations(t *testing.T) {
	for location, want := range map[string]string{
		"s3://bucket":                            "",
		"s3://bucket/":                           "",
		"s3://my.bucket-1/a/prefix/":             "",
		"s3://bucket/p?path-style=false":         "",
		"s3://bucket/p?path-style=maybe":         "path-style=true or path-style=false",
		"s3://bucket/p?path-style=true&region=x": "AWS_REGION",
		"s3://Bucket":                            "not the name of a bucket",
		"s3://":                                  "not the name of a bucket",
		"s3://bucket/../other":                   "not a name in a store",
		"s3://bucket/.hidden":                    "not a name in a store",
		"s3://bucket/a//b":                       "not a name in a store",
		"s3://AKIA:hunter2@bucket/p":             "credentials do not belong",
		"s3://AKIA:hunter2@bu cket/p":            "s3://BUCKET/PREFIX",
		"https://bucket/p":                       "s3://BUCKET/PREFIX",
		"s3:bucket":                              "s3://BUCKET/PREFIX",
	} {
		_, err := s3store.New(location)
		switch {
		case want == "" && err != nil:
			t.Errorf("%s: %v", location, err)
		case want != "" && (err == nil || !strings.Contains(err.Error(), want)):
			t.Errorf("%s: got %v, want %q", location, err, want)
		case err != nil && strings.Contains(err.Error(), "hunter2"):
			t.Errorf("%s: the error shows the secret: %v", location, err)
		}
	}
}

func FuzzS3Locations(f *testing.F) {
	for _, seed := range []string{"s3://bucket/a/prefix", "s3://u:p@bucket", "s3://b-k.t?path-style=0", "s3://bucket/%2e%2e/x", "s3://bucket/#x"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, location string) {
		s, err := s3store.New(location)
		if (s == nil) == (err == nil) {
			t.Errorf("%q: got %v and %v", location, s, err)
		}
		if err == nil && (!strings.HasPrefix(strings.ToLower(location), "s3://") || strings.Contains(location, "@")) {
			t.Errorf("%q was taken", location)
		}
	})
}

// What an operator may have set up wrongly ends in a sentence that says what to do, and shows no secret.
func TestS3Open(t *testing.T) {
	server := s3test.Start(t, []string{"--iam-dir", t.TempDir(), "--iam-cache-disable"}, "--versioning-dir", t.TempDir())
	bucket := server.Bucket(t)
	stranger(t, server)
	versioned := func(status types.BucketVersioningStatus) string {
		b := server.Bucket(t)
		_, err := server.Client.PutBucketVersioning(t.Context(), &s3.PutBucketVersioningInput{
			Bucket: &b, VersioningConfiguration: &types.VersioningConfiguration{Status: status},
		})
		if err != nil {
			t.Fatal(err)
		}
		return b
	}
	front := func(fault s3test.Fault) func(*config.LoadOptions) error {
		return config.WithBaseEndpoint(server.Front(t, fault))
	}
	refuse := func(status int, code string) func(*config.LoadOptions) error {
		return front(func(w http.ResponseWriter, _ *http.Request, _ http.Handler) { s3test.Refuse(w, status, code) })
	}
	credentials := func(access, secret string) func(*config.LoadOptions) error {
		return config.WithCredentialsProvider(s3test.Credentials(access, secret))
	}
	const keepsVersions = "never had versioning"
	for name, test := range map[string]struct {
		bucket string
		option func(*config.LoadOptions) error
		want   string
	}{
		"all is well":            {bucket, nil, ""},
		"no such bucket":         {"no-such-bucket", nil, "404 NoSuchBucket"},
		"an unknown key":         {bucket, credentials("nobody", "x"), "403 InvalidAccessKeyId"},
		"a wrong secret":         {bucket, credentials(s3test.AccessKey, "hunter2"), "see AWS_ACCESS_KEY_ID"},
		"a stranger's bucket":    {bucket, credentials("stranger", "hunter2"), "the policy that they need"},
		"another region":         {bucket, config.WithRegion("eu-west-1"), "AWS_REGION must be the bucket's"},
		"no region":              {bucket, func(o *config.LoadOptions) error { o.Region, o.BaseEndpoint = "", ""; return nil }, "set AWS_REGION"},
		"no credentials":         {bucket, config.WithCredentialsProvider(aws.CredentialsProviderFunc(noCredentials)), "set AWS_ACCESS_KEY_ID"},
		"clear text":             {bucket, config.WithBaseEndpoint("http://s3.example.com"), "not https"},
		"a secret in the URL":    {bucket, config.WithBaseEndpoint("https://a:hunter2@s3.example.com"), "do not belong there"},
		"no URL":                 {bucket, config.WithBaseEndpoint("s3.example.com"), "like https://s3.example.com"},
		"a clock that is wrong":  {bucket, refuse(403, "RequestTimeTooSkewed"), "this machine's clock is wrong"},
		"ended credentials":      {bucket, refuse(400, "ExpiredToken"), "get new ones"},
		"no conditional writes":  {bucket, front(ignoreConditions(t)), "does not honour If-None-Match"},
		"conditions not known":   {bucket, front(onPut(func(w http.ResponseWriter) { s3test.Refuse(w, 501, "NotImplemented") })), "conditional writes"},
		"may read only":          {bucket, front(onPut(func(w http.ResponseWriter) { s3test.Refuse(w, 403, "AccessDenied") })), "the policy that they need"},
		"versioning":             {versioned(types.BucketVersioningStatusEnabled), nil, keepsVersions},
		"versioning in the past": {versioned(types.BucketVersioningStatusSuspended), nil, keepsVersions},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			store := s3test.New(t, "s3://"+test.bucket+"/p", server.URL)
			if test.option != nil {
				store.Options = append(store.Options, test.option)
			}
			err := store.Open(t.Context())
			switch {
			case test.want == "" && err != nil:
				t.Error(err)
			case test.want != "" && (err == nil || !strings.Contains(err.Error(), test.want)):
				t.Errorf("got %v, want %q", err, test.want)
			case err != nil && (strings.Contains(err.Error(), "hunter2") || strings.Contains(err.Error(), s3test.SecretKey)):
				t.Errorf("the error shows a secret: %v", err)
			}
			t.Log(err)
			if test.want == keepsVersions {
				out, err := server.Client.ListObjectVersions(t.Context(), &s3.ListObjectVersionsInput{Bucket: &test.bucket})
				if err != nil || len(out.Versions)+len(out.DeleteMarkers) > 0 {
					t.Errorf("the trial left versions: %v, %v", out, err)
				}
			}
		})
	}
	t.Run("nothing stays of the trial", func(t *testing.T) {
		server.Open(t, bucket)
		out, err := server.Client.ListObjectsV2(t.Context(), &s3.ListObjectsV2Input{Bucket: &bucket, Prefix: aws.String("a/")})
		if err != nil || len(out.Contents) > 0 {
			t.Errorf("there is %v, %v", out.Contents, err)
		}
	})
}

// A server that is not Amazon's has no host name for each bucket, unless somebody says so. (An address without a name is always asked by path.)
func TestS3PathStyle(t *testing.T) {
	server := s3test.Start(t, nil)
	named := strings.Replace(server.URL, "127.0.0.1", "localhost", 1)
	bucket := server.Bucket(t)
	for query, well := range map[string]bool{"": true, "?path-style=true": true, "?path-style=false": false} {
		err := s3test.New(t, "s3://"+bucket+query, named).Open(t.Context())
		if well != (err == nil) {
			t.Errorf("%q: %v", query, err)
		}
	}
}

func noCredentials(context.Context) (aws.Credentials, error) {
	return aws.Credentials{}, exec.ErrNotFound
}

// stranger makes a user of the server who may use no bucket of others.
func stranger(t *testing.T, server *s3test.Server) {
	t.Helper()
	server.Admin(t, "create-user", "--access", "stranger", "--secret", "hunter2", "--role", "user")
}

// ignoreConditions is a server that takes If-None-Match for one of the headers that it need not know.
func ignoreConditions(t *testing.T) s3test.Fault {
	return func(w http.ResponseWriter, r *http.Request, next http.Handler) {
		r.Header.Del("If-None-Match")
		s3test.Sign(t, r)
		next.ServeHTTP(w, r)
	}
}

// onPut answers puts by itself.
func onPut(answer func(http.ResponseWriter)) s3test.Fault {
	return func(w http.ResponseWriter, r *http.Request, next http.Handler) {
		if r.Method == http.MethodPut {
			answer(w)
			return
		}
		next.ServeHTTP(w, r)
	}
}
