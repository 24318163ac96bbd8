// Package s3store keeps what a collector holds in a bucket of S3. It is a package of its own so that the AWS SDK is in the
// collector alone: the dealer's agent has the collector in it for its demo, and nobody should have to ask what else that can reach.
package s3store
