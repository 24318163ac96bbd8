package main

type fieldmapCommand struct {
	Show    fieldmapShowCommand    `cmd:"" help:"Show what the whitelist lets leave, and why."`
	SQL     fieldmapSQLCommand     `cmd:"" name:"sql" help:"Print the very statements that a pull runs."`
	Approve fieldmapApproveCommand `cmd:"" help:"Approve the whitelist as it is now. Nothing is pulled without it."`
}
