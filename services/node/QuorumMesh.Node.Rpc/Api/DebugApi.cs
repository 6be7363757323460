using QuorumMesh.Node.Rpc.Calls;
using QuorumMesh.Node.Rpc.Engine;
using QuorumMesh.Node.Rpc.Json;
using QuorumMesh.Node.Runtime;
using QuorumMesh.Primitives;
using QuorumMesh.State;

namespace QuorumMesh.Node.Rpc.Api;

/// <summary>The debug methods that read blocks and states as they are stored.</summary>
internal sealed class DebugApi(INode node, NodeReader reader) : IRpcApi
{
    private const int MaxDumped = 100_000;
    private const ulong EthashEpoch = 30_000;

    private readonly bool _isBare = node.Profile.Rpc.DumpsBareHex;

    public void Register(RpcMethodTable table)
    {
        table.AddAsync("debug_privateStateRoot", 1, PrivateStateRootAsync);
        table.AddAsync("debug_defaultStateRoot", 1, PrivateStateRootAsync);
        table.AddAsync("debug_getBlockRlp", 1, BlockRlpAsync);
        table.AddAsync("debug_dumpBlock", 2, DumpAsync);
        table.AddAsync("debug_dumpAddress", 2, DumpAddressAsync);
        table.AddAsync("debug_seedHash", 1, SeedHashAsync);
        table.Add("debug_preimage", 1, Preimage);
        table.Add("debug_setHead", 1, SetHead);
        table.Add("debug_getBadBlocks", 0, call =>
        {
            call.Result.WriteStartArray();
            call.Result.WriteEndArray();
        });
    }

    /// <summary>Of Ethash's epoch that a block is in (Yellow Paper, appendix J): of no use here but to tools that ask for it.</summary>
    private async ValueTask SeedHashAsync(RpcCall call)
    {
        var number = call.NumberOrQuantity(0);
        if (await reader.ReadAsync(call.Cancellation, scope => scope.View.Header(number)).ConfigureAwait(false) is null)
            throw new RpcException($"block #{number} not found");
        var seed = default(Hash256);
        for (var epoch = number / EthashEpoch; epoch > 0; epoch--)
        {
            call.Cancellation.ThrowIfCancellationRequested();
            seed = Keccak.Hash(seed.ToArray());
        }
        call.Result.Value(seed);
    }

    /// <summary>None are kept: what geth looks up here (addresses, slots by their hash) this node stores in plain.</summary>
    private static void Preimage(RpcCall call)
    {
        call.Hash(0);
        throw new RpcException("unknown preimage");
    }

    private static void SetHead(RpcCall call)
    {
        var number = call.Quantity(0, "hexutil.Uint64");
        throw new RpcException($"the head is not set back to block {number}: what the network has committed stays; to start over, stop "
            + "the node, and let it catch up in an empty data directory");
    }

    private async ValueTask PrivateStateRootAsync(RpcCall call)
    {
        var tag = call.OptionalBlock(0);
        call.Result.Value(await reader.ReadAsync(call.Cancellation, scope =>
            scope.View.PrivateRoot((scope.Header(tag) ?? throw new RpcException("block not found")).Number)).ConfigureAwait(false));
    }

    /// <summary>All accounts of one side, balances in decimal.</summary>
    private async ValueTask DumpAsync(RpcCall call)
    {
        var tag = call.Block(0);
        var side = !call.Has(1) && !_isBare ? "public" : call.Text(1);
        if (side is not ("public" or "private")) throw new RpcException($"unknown type: '{side}'");
        await reader.ReadAsync(call.Cancellation, scope =>
        {
            var header = scope.Header(tag) ?? throw new RpcException("block not found");
            var isPrivate = side == "private";
            var accounts = scope.View.Accounts(isPrivate, header.Number).Take(MaxDumped + 1).ToList();
            if (accounts.Count > MaxDumped) throw new RpcException($"the state has more than {MaxDumped} accounts: too many to dump");
            call.Result.WriteStartObject();
            call.Result.WriteString("root", Bare(isPrivate ? scope.View.PrivateRoot(header.Number) : header.StateRoot));
            call.Result.WriteStartObject("accounts");
            foreach (var (address, account) in accounts)
            {
                call.Result.WritePropertyName(Hex.ToHex(address.ToArray(), prefix: !_isBare));
                WriteAccount(call, scope, isPrivate, header.Number, address, account);
            }
            call.Result.WriteEndObject();
            call.Result.WriteEndObject();
            return true;
        }).ConfigureAwait(false);
    }

    /// <summary>One account as in a dump: of the private state where it is there, else of the public one.</summary>
    private async ValueTask DumpAddressAsync(RpcCall call)
    {
        var (address, tag) = (call.Address(0), call.Block(1));
        await reader.ReadAsync(call.Cancellation, scope =>
        {
            var header = scope.Header(tag) ?? throw new RpcException("block not found");
            var (_, account, isPrivate) = scope.Find(address, header.Number);
            WriteAccount(call, scope, isPrivate, header.Number, address, account ?? throw new RpcException("error retrieving state"));
            return true;
        }).ConfigureAwait(false);
    }

    /// <summary>
    /// geth 1.8 prints plain hex and slot values in RLP; later ones mark addresses and slots as hex, print bare values, and leave
    /// out what is empty.
    /// </summary>
    private void WriteAccount(RpcCall call, ReadScope scope, bool isPrivate, ulong block, Address address, Account account)
    {
        var json = call.Result;
        var state = isPrivate ? scope.View.PrivateState(block) : scope.View.PublicState(block);
        json.WriteStartObject();
        json.WriteString("balance", account.Balance.ToString());
        json.WriteNumber("nonce", account.Nonce);
        json.WriteString("root", Bare(account.StorageRoot));
        json.WriteString("codeHash", Bare(account.CodeHash));
        if (_isBare || account.CodeHash != Hash256.EmptyCode)
            json.WriteString("code",
                Hex.ToHex(account.CodeHash == Hash256.EmptyCode ? [] : state.GetCode(account.CodeHash) ?? [], prefix: false));
        if (_isBare || account.HasStorage) WriteStorage(call, scope, isPrivate, block, address);
        json.WriteEndObject();
    }

    private void WriteStorage(RpcCall call, ReadScope scope, bool isPrivate, ulong block, Address address)
    {
        call.Result.WriteStartObject("storage");
        foreach (var (slot, value) in scope.View.Storage(isPrivate, block, address))
        {
            call.Cancellation.ThrowIfCancellationRequested();
            var rlp = new RlpWriter();
            rlp.Write(value);
            call.Result.WriteString(Hex.ToHex(slot.ToBigEndian(), prefix: !_isBare),
                Hex.ToHex(_isBare ? rlp.WrittenSpan : value.ToMinimalBigEndian(), prefix: false));
        }
        call.Result.WriteEndObject();
    }

    private static string Bare(in Hash256 hash) => Hex.ToHex(hash.ToArray(), prefix: false);

    private async ValueTask BlockRlpAsync(RpcCall call)
    {
        var number = call.NumberOrQuantity(0);
        var block = await reader.ReadAsync(call.Cancellation, scope => scope.View.Block(number)).ConfigureAwait(false)
            ?? throw new RpcException($"block #{number} not found");
        call.Result.WriteStringValue(Hex.ToHex(block.Encode(), prefix: false));
    }
}
