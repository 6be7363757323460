using QuorumMesh.Chain.Genesis;
using QuorumMesh.Node.Rpc.Engine;
using QuorumMesh.Node.Rpc.Json;
using QuorumMesh.Node.Runtime;

namespace QuorumMesh.Node.Rpc.Api;

/// <summary>The part of eth that tells about the node itself.</summary>
internal sealed class EthInfoApi(INode node) : IRpcApi
{
    private const ulong OldestEthVersion = 62;

    public void Register(RpcMethodTable table)
    {
        table.Add("eth_chainId", 0, call => call.Result.Quantity(node.Config.ChainId));
        table.Add("eth_protocolVersion", 0,
            call => call.Result.Quantity(IsRaft ? OldestEthVersion : node.Profile.Rpc.IstanbulProtocol));
        table.Add("eth_gasPrice", 0, call => call.Result.Quantity(0ul));
        table.Add("eth_mining", 0, call => call.Result.WriteBooleanValue(node.Bft?.Standing.IsValidator == true));
        table.Add("eth_hashrate", 0, call => call.Result.Quantity(0ul));
        table.Add("eth_syncing", 0, Syncing);
        table.Add("eth_accounts", 0, WriteAccounts);
        table.Add("eth_coinbase", 0, Coinbase);
        table.Add("eth_etherbase", 0, Coinbase);
        table.AddAsync("eth_blockNumber", 0, BlockNumberAsync);
        // There is no proof of work, and nobody to give it to.
        table.Add("eth_getWork", 0, _ => throw new RpcException("not supported"));
        table.Add("eth_submitWork", 3, call => call.Result.WriteBooleanValue(false));
    }

    public void WriteAccounts(RpcCall call)
    {
        call.Result.WriteStartArray();
        foreach (var account in node.Accounts.Accounts) call.Result.Value(account);
        call.Result.WriteEndArray();
    }

    private ValueTask BlockNumberAsync(RpcCall call)
    {
        using var view = node.OpenView();
        call.Result.Quantity(view.Head);
        return ValueTask.CompletedTask;
    }

    private bool IsRaft => node.Config.Engine == EngineKind.Raft;

    /// <summary>Under IBFT always the node key's address.</summary>
    private void Coinbase(RpcCall call)
    {
        if (!IsRaft)
        {
            call.Result.Value(node.NodeKey.Address);
            return;
        }
        if (node.Accounts.Accounts is not [var first, ..]) throw new RpcException("etherbase must be explicitly specified");
        call.Result.Value(first);
    }

    private void Syncing(RpcCall call)
    {
        if (node.Sync is not { } sync)
        {
            call.Result.WriteBooleanValue(false);
            return;
        }
        call.Result.WriteStartObject();
        call.Result.Quantity("startingBlock"u8, sync.StartingBlock);
        call.Result.Quantity("currentBlock"u8, sync.CurrentBlock);
        call.Result.Quantity("highestBlock"u8, sync.HighestBlock);
        call.Result.Quantity("knownStates"u8, 0ul);
        call.Result.Quantity("pulledStates"u8, 0ul);
        call.Result.WriteEndObject();
    }
}
