package upload

// Classes of what stops a run, as a heartbeat tells them: a word, never a text. More may come; none changes its meaning.
const (
	ErrorUnapproved       = "unapproved"
	ErrorVanished         = "vanished"
	ErrorRefused          = "refused"
	ErrorConfiguration    = "configuration"
	ErrorDMS              = "dms"
	ErrorCollector        = "collector"
	ErrorCollectorRefused = "collector_refused"
	ErrorQueueFull        = "queue_full"
	ErrorDiskFull         = "disk_full"
	ErrorDamaged          = "damaged"
	ErrorParked           = "parked"
	ErrorFailed           = "failed"
)

// ErrorClasses returns all classes, in the order of openapi.yaml.
func ErrorClasses() []string {
	return []string{
		ErrorUnapproved, ErrorVanished, ErrorRefused, ErrorConfiguration, ErrorDMS, ErrorCollector, ErrorCollectorRefused,
		ErrorQueueFull, ErrorDiskFull, ErrorDamaged, ErrorParked, ErrorFailed,
	}
}

// Hint tells the maker's staff what a class of errors means and what to do: a sentence each. Both are "" for "".
func Hint(class string) (meaning, hint string) {
	switch class {
	case "":
		return "", ""
	case ErrorUnapproved:
		return "Nobody at the dealer's has approved the whitelist as it is now, so nothing is read.",
			"Ask the dealer to look at it (roagent fieldmap review) and, if they agree, to approve it (roagent fieldmap approve). What is queued is still sent."
	case ErrorVanished:
		return "Most orders of a week are gone from the dealer's database: it looks restored, emptied or mistaken, so nothing was voided.",
			"Ask the dealer's IT whether roagent.yaml names the right database. If the orders were really deleted: roagent pull --week WEEK --void at the store."
	case ErrorRefused:
		return "The store's own rules forbid the run: a forbidden field, a value that must not leave, or more rights in the database than the whitelist lists.",
			"Ask the dealer's IT to run roagent check, which says which rule and what to do. It needs a decision at the store; the maker cannot make it."
	case ErrorConfiguration:
		return "A file or an option at the store is wrong: roagent.yaml, the whitelist, a folder's rights or the data folder's format.",
			"Ask the dealer's IT to run roagent check, which names the file and the line."
	case ErrorDMS:
		return "The dealer's database cannot be reached or read.",
			"The agent tries again by itself. If it lasts past a day, ask the dealer's IT to run roagent check: server, network, login, and columns that an update of the DMS has renamed."
	case ErrorCollector:
		return "The collector was not reached, or did not take what was sent. All of it stays queued at the store.",
			"Look at the collector and its log first, then at the store's token and certificate. If only this store has it, ask its IT to run roagent check: proxy, firewall, clock."
	case ErrorCollectorRefused:
		return "The collector refused a manifest, a whitelist or a batch that the store says is in order.",
			"Look at the collector's log for this dealer: the two sides disagree. A collector that is older than the agent must be brought up to date first."
	case ErrorQueueFull:
		return "The queue at the store is full, so reading pauses. Nothing is lost.",
			"It goes on by itself once the collector takes some. If the collector is well, ask the dealer's IT to raise queue.max_size."
	case ErrorDiskFull:
		return "There is no room on the disk of the store's machine. Nothing is lost, and nothing gets on.",
			"Ask the dealer's IT to make room there. The next run goes on by itself."
	case ErrorDamaged:
		return "The queue at the store is damaged or cannot be opened with its key.",
			"Ask the dealer's IT to run roagent status and to have the disk looked at. A damaged queue is rebuilt by the next run; a missing file or key needs the backup."
	case ErrorParked:
		return "The run was done, but some orders wait for a person at the store.",
			"Ask the dealer to run roagent parked list, which says why for each, and to release or drop them."
	}
	return "The run failed for a reason that has no class of its own.",
		"Ask the dealer's IT for the service's log of that time (roagent service status says where it is), and report what it says."
}
