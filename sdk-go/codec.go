package rockqueue

import (
	"encoding/json"
	"fmt"
	"strings"

	"google.golang.org/grpc/codes"
)

const (
	jsonType  = "application/json"
	bytesType = "application/octet-stream"
	textType  = "text/plain"
)

// Codec turns payloads and results into bytes with a media type, and back. It is called by several goroutines at once.
type Codec interface {
	// Encode returns the value as bytes, and their media type.
	Encode(value any) (data []byte, contentType string, err error)

	// Decode stores what the bytes of this media type stand for in the value that into points to. An empty media type
	// means unstated.
	Decode(data []byte, contentType string, into any) error
}

// JSONCodec is the default codec: JSON by encoding/json. A []byte is sent as it is, and a *[]byte receives whatever came;
// so does an *any what is not JSON.
type JSONCodec struct{}

// Encode returns the value as JSON.
func (JSONCodec) Encode(value any) (data []byte, contentType string, err error) {
	switch value := value.(type) {
	case []byte:
		return value, bytesType, nil
	case json.RawMessage:
		return value, jsonType, nil
	}
	data, err = json.Marshal(value)
	if err != nil {
		return nil, "", fmt.Errorf("writing JSON: %w", err)
	}
	return data, jsonType, nil
}

// Decode reads JSON. Without any bytes it leaves the value as it is.
func (JSONCodec) Decode(data []byte, contentType string, into any) error {
	if raw, ok := into.(*[]byte); ok {
		*raw = append([]byte(nil), data...)
		return nil
	}
	essence, _, _ := strings.Cut(contentType, ";")
	essence = strings.ToLower(strings.TrimSpace(essence))
	if text, ok := into.(*string); ok && essence == textType {
		*text = string(data)
		return nil
	}
	isJSON := essence == "" || essence == jsonType || strings.HasSuffix(essence, "+json")
	if value, ok := into.(*any); ok && essence == textType {
		*value = string(data)
		return nil
	} else if ok && !isJSON {
		*value = append([]byte(nil), data...)
		return nil
	}
	if !isJSON {
		return fmt.Errorf("cannot read %q into a %T: use a *[]byte, or a Codec of your own", contentType, into)
	}
	if len(data) == 0 {
		return nil
	}
	if err := json.Unmarshal(data, into); err != nil {
		return fmt.Errorf("reading JSON: %w", err)
	}
	return nil
}

// payloadError is the error for a payload or result that the codec cannot write or read.
func payloadError(what string, cause error) *Error {
	return &Error{
		Code:    codes.InvalidArgument,
		Reason:  reasonPayload,
		Message: what + ": " + cause.Error(),
		cause:   cause,
	}
}
