package conveyor

// What the server takes at most, as its Welcome says.

import "github.com/open-ug/conveyor/clients/go/conveyorv1"

// What a Log message needs besides its lines.
const logHeadBytes = 256

// limits are the server's, in the form that the ledger uses.
type limits struct {
	batchBytes, batchLines  int // of one Log
	lineBytes               int // of one line
	dataBytes, messageBytes int // of a result
}

// limitsOf reads the limits of a Welcome. What it leaves out is the documented default.
func limitsOf(said *conveyorv1.Limits) limits {
	batch := or(said.GetLogBatchBytes(), 1<<20)
	if most := or(said.GetMessageBytes(), 8<<20) - logHeadBytes; batch > most {
		batch = most
	}
	return limits{
		batchBytes:   batch,
		batchLines:   or(uint64(said.GetLogBatchLines()), 4096),
		lineBytes:    or(uint64(said.GetLogLineBytes()), 64<<10),
		dataBytes:    or(said.GetResultDataBytes(), 256<<10),
		messageBytes: or(uint64(said.GetResultMessageBytes()), 16<<10),
	}
}

func or(said uint64, normal int) int {
	if said == 0 || said > 1<<31-1 {
		return normal
	}
	return int(said)
}
