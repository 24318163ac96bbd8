// Package fieldmap holds the whitelist: what a dealer lets leave, and in which form.
//
// A whitelist (fieldmap.yaml) is read with [Parse], compiled to a [Plan] that says what may be selected, and bound to
// the column types that the DMS reports with [Plan.Bind]. The bound plan turns rows into [Record] values, the only
// thing that the queue accepts; a Record can be made nowhere else.
//
// fieldmap knows neither SQL nor HTTP: package extract writes the SQL for a Plan and fills a [Page] with rows, package
// upload stores and sends the Records.
package fieldmap
