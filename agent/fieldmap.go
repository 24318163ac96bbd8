package main

type fieldmapCommand struct {
	Show    fieldmapShowCommand    `cmd:"" help:"Show what the whitelist lets leave, and why."`
	Review  fieldmapReviewCommand  `cmd:"" help:"Write the sheet that the dealer signs: one HTML file with all of it."`
	Diff    fieldmapDiffCommand    `cmd:"" help:"Tell what changed since the whitelist was approved. Ends with 3 where something was widened, or nothing was ever approved."`
	SQL     fieldmapSQLCommand     `cmd:"" name:"sql" help:"Print the very statements that a pull runs."`
	Grants  fieldmapGrantsCommand  `cmd:"" help:"Print the T-SQL that gives a login the right to read what the whitelist names, and nothing else."`
	Approve fieldmapApproveCommand `cmd:"" help:"Approve the whitelist as it is now. Nothing is pulled without it."`
}
