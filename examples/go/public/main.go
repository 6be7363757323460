// A public contract with go-ethereum: connect, deploy, write, read, events. RPC_URL names the node; a fresh key needs no balance.
package main

import (
	"context"
	"fmt"
	"math/big"
	"os"

	"github.com/ethereum/go-ethereum"
	"github.com/ethereum/go-ethereum/accounts/abi/bind"
	"github.com/ethereum/go-ethereum/common"
	"github.com/ethereum/go-ethereum/crypto"
	"github.com/ethereum/go-ethereum/ethclient"
	. "quorummesh-examples/example"
)

func main() {
	ctx, client := context.Background(), Must(ethclient.Dial(os.Getenv("RPC_URL")))
	parsed, code := Storage()
	chain := Must(client.ChainID(ctx))
	options := Must(bind.NewKeyedTransactorWithChainID(Must(crypto.GenerateKey()), chain))
	address, creation, contract, err := bind.DeployContract(options, parsed, code, client, big.NewInt(41))
	Check(err)
	Must(bind.WaitMined(ctx, client, creation))
	written := Must(bind.WaitMined(ctx, client, Must(contract.Transact(options, "set", big.NewInt(43)))))
	var value []any
	Check(contract.Call(nil, &value, "get"))
	logs := Must(client.FilterLogs(ctx, ethereum.FilterQuery{FromBlock: new(big.Int), Addresses: []common.Address{address}}))
	stored := Must(parsed.Unpack("Stored", logs[0].Data))
	fmt.Printf(`{"chain":%v,"status":%v,"value":%v,"stored":%v}`+"\n", chain, written.Status, value[0], stored)
}
