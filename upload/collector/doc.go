// Package collector is the reference collector: the other end of the wire.
//
// [Handler] takes batches, manifests and heartbeats of dealers and answers each with a signed receipt, only once the
// bytes are durable. A dealer who leaves has all
// deleted that is held of it. All it knows lies in a [Store] of four methods, so any number of handlers may run on one store.
// [Export] reads back what is held. See DESIGN.md.
package collector
