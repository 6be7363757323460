// A private contract with an account of the node. RPC_URL, ACCOUNT (unlocked there), RECIPIENT: a transaction manager's key.
package main

import (
	"context"
	"fmt"
	"math/big"
	"os"

	"github.com/ethereum/go-ethereum/accounts/abi/bind"
	"github.com/ethereum/go-ethereum/common"
	"github.com/ethereum/go-ethereum/common/hexutil"
	"github.com/ethereum/go-ethereum/core/types"
	"github.com/ethereum/go-ethereum/ethclient"
	. "quorummesh-examples/example"
)

func main() {
	ctx, client := context.Background(), Must(ethclient.Dial(os.Getenv("RPC_URL")))
	parsed, code := Storage()
	send := func(call map[string]any) *types.Receipt { // bind has no privateFor: this one hands it on
		call["from"], call["gas"], call["privateFor"] = os.Getenv("ACCOUNT"), "0x47b760", []string{os.Getenv("RECIPIENT")}
		var hash common.Hash
		Check(client.Client().CallContext(ctx, &hash, "eth_sendTransaction", call))
		return Must(bind.WaitMinedHash(ctx, client, hash))
	}
	creation := append(code, Must(parsed.Pack("", big.NewInt(41)))...)
	created := send(map[string]any{"data": hexutil.Encode(creation)})
	set := hexutil.Encode(Must(parsed.Pack("set", big.NewInt(43))))
	written := send(map[string]any{"to": created.ContractAddress, "data": set})
	var value []any
	Check(bind.NewBoundContract(created.ContractAddress, parsed, client, client, client).Call(nil, &value, "get"))
	fmt.Printf(`{"status":%v,"value":%v}`+"\n", written.Status, value[0])
}
