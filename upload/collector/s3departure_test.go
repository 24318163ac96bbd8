package collector_test

import (
	"net/http"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"

	"roagent/upload/collector"
	"roagent/upload/collector/s3store/s3test"
)

// A dealer who leaves is gone from the bucket itself, and each collector on it says so with the same receipt.
func TestS3Departure(t *testing.T) {
	server := s3test.Start(t, nil)
	bucket := server.Bucket(t)
	r := newRig(t, server.Open(t, bucket))
	r.receipt(r.do(r.batch(line("RO1"))), http.StatusCreated)
	held := func(prefix string) int {
		out, err := server.Client.ListObjectsV2(t.Context(), &s3.ListObjectsV2Input{Bucket: &bucket, Prefix: aws.String("a/prefix/dealers/" + prefix)})
		if err != nil {
			t.Fatal(err)
		}
		return len(out.Contents)
	}
	if got := held(dealer + "/"); got != 4 { // the dealer, its whitelist, the batch, the receipt
		t.Errorf("%d objects are held", got)
	}
	first := r.do(r.departure(dealer))
	r.wire = collector.New(server.Open(t, bucket), r.key)
	second := r.do(r.departure(dealer))
	if first.Code != http.StatusOK || second.Code != http.StatusOK || first.Body.String() != second.Body.String() {
		t.Errorf("got %d %s and %d %s", first.Code, first.Body, second.Code, second.Body)
	}
	if got, others := held(dealer+"/"), held(otherDealer+"/"); got != 0 || others != 1 {
		t.Errorf("%d objects are left of the dealer, %d of another", got, others)
	}
}
