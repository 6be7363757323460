// Package example has what the programs share: the contract, and to end at an error.
package example

import (
	"encoding/json"
	"log"
	"os"
	"strings"

	"github.com/ethereum/go-ethereum/accounts/abi"
	"github.com/ethereum/go-ethereum/common"
)

// Storage gives the contract's interface and its creation code. The programs run in examples/go.
func Storage() (abi.ABI, []byte) {
	var file struct {
		Abi  json.RawMessage
		Code string
	}
	Check(json.Unmarshal(Must(os.ReadFile("../Storage.json")), &file))
	return Must(abi.JSON(strings.NewReader(string(file.Abi)))), common.FromHex(file.Code)
}

// Must gives the value, or ends the program.
func Must[T any](value T, err error) T {
	Check(err)
	return value
}

// Check ends the program at an error.
func Check(err error) {
	if err != nil {
		log.Fatal(err)
	}
}
