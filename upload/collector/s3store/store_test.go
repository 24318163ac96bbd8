package s3store_test

import (
	"testing"

	"roagent/upload/collector"
	"roagent/upload/collector/s3store/s3test"
	"roagent/upload/collector/storetest"
)

func TestS3Store(t *testing.T) {
	server := s3test.Start(t, nil)
	storetest.Run(t, func(t *testing.T) (a, b collector.Store) {
		bucket := server.Bucket(t)
		return server.Open(t, bucket), server.Open(t, bucket)
	})
}
