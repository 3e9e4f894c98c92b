package conveyor

// What a reconcile function gives back, and how it is brought within the server's limits.

import (
	"bytes"
	"encoding/json"
	"fmt"
)

// Result is how a task ended.
type Result struct {
	// Success says whether the work succeeded. A failed result is final: the step is not tried again.
	Success bool
	// Message is what to tell people. Over 16 KiB it is cut.
	Message string
	// Data is for later steps: anything with a JSON form; a json.RawMessage keeps its exact text. With
	// more than 256 KiB the result becomes a failed one.
	Data any
}

// Success is a result of work that succeeded.
func Success(message string) Result { return Result{Success: true, Message: message} }

// Failure is a result of work that failed.
func Failure(message string) Result { return Result{Message: message} }

// WithData is the same result with data for later steps.
func (r Result) WithData(data any) Result {
	r.Data = data
	return r
}

// report is a result in the form that the server takes, its data as JSON text.
type report struct {
	success bool
	message string
	data    string
}

// report writes the data as text. It calls code of the user, so nothing may wait for it.
func (r Result) report() report {
	data, err := jsonText(r.Data)
	if err != nil {
		return report{message: validText(fmt.Sprintf("the result's data is no JSON: %v; the work said: %s", err, r.Message))}
	}
	return report{success: r.Success, message: validText(r.Message), data: string(data)}
}

// within brings a report within the limits: a long message is cut, and data that the server would not take
// makes it a failure.
func (r report) within(limits limits) report {
	if len(r.data) > limits.dataBytes {
		r = report{message: fmt.Sprintf("the result's data has %d bytes, and %d are allowed; the work said: %s",
			len(r.data), limits.dataBytes, r.message)}
	}
	r.message = r.message[:cut(r.message, limits.messageBytes)]
	return r
}

// jsonText is the JSON form of a value; a text that is JSON already stays as it is.
func jsonText(value any) ([]byte, error) {
	if value == nil {
		return nil, nil
	}
	if text, ok := value.(json.RawMessage); ok {
		var any json.RawMessage
		return text, json.Unmarshal(text, &any)
	}
	var text bytes.Buffer
	encoder := json.NewEncoder(&text)
	encoder.SetEscapeHTML(false)
	err := encoder.Encode(value)
	return bytes.TrimSuffix(text.Bytes(), []byte("\n")), err
}
