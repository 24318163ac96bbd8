// Package collector is the reference collector: the other end of the wire.
//
// [Handler] takes batches, manifests and heartbeats of dealers and answers each with a signed receipt, only once the
// bytes are durable. All it knows lies in a [Store] of three methods, so any number of handlers may run on one store.
// [Export] reads back what is held. See DESIGN.md.
package collector
