using System.Text.Json;
using QuorumMesh.Node.Rpc.Calls;
using QuorumMesh.Node.Rpc.Engine;
using QuorumMesh.Node.Rpc.Json;
using QuorumMesh.Node.Runtime;
using QuorumMesh.Primitives;
using QuorumMesh.State;
using QuorumMesh.State.Store;

namespace QuorumMesh.Node.Rpc.Api;

/// <summary>The part of eth that reads accounts: private where the private state has them, else public.</summary>
internal sealed class EthStateApi(INode node, NodeReader reader) : IRpcApi
{
    private const int MostProofKeys = 1024;

    public void Register(RpcMethodTable table)
    {
        table.AddAsync("eth_getBalance", 2, BalanceAsync);
        table.AddAsync("eth_getTransactionCount", 2, NonceAsync);
        table.AddAsync("eth_getCode", 2, CodeAsync);
        table.AddAsync("eth_getStorageAt", 3, StorageAsync);
        table.AddAsync("eth_storageRoot", 2, StorageRootAsync);
        table.AddAsync("eth_getProof", 3, ProofAsync);
    }

    private async ValueTask BalanceAsync(RpcCall call)
    {
        var (address, tag) = (call.Address(0), call.Block(1));
        var found = await FindAsync(call, address, tag).ConfigureAwait(false);
        if (found is not { } at) NoSuchBlock(call);
        else call.Result.Quantity(at.Account?.Balance ?? UInt256.Zero);
    }

    private async ValueTask NonceAsync(RpcCall call)
    {
        var (address, tag) = (call.Address(0), call.Block(1));
        if (tag.Kind == BlockTagKind.Pending)
        {
            call.Result.Quantity(await node.PendingNonceAsync(address, call.Cancellation).ConfigureAwait(false));
            return;
        }
        var found = await FindAsync(call, address, tag).ConfigureAwait(false);
        if (found is not { } at) NoSuchBlock(call);
        else call.Result.Quantity(at.Account?.Nonce ?? 0);
    }

    private async ValueTask CodeAsync(RpcCall call)
    {
        var (address, tag) = (call.Address(0), call.Block(1));
        var code = await reader.ReadAsync(call.Cancellation, scope =>
        {
            if (scope.Header(tag) is not { } header) return null;
            var (state, account, _) = scope.Find(address, header.Number);
            return account is not { } a
                || a.CodeHash == Hash256.EmptyCode ? [] : state.GetCode(a.CodeHash)
                ?? throw new StateCorruptException($"code {a.CodeHash} of {address} is missing");
        }).ConfigureAwait(false);
        if (code is null) NoSuchBlock(call, asData: true);
        else call.Result.Data(code);
    }

    private async ValueTask StorageAsync(RpcCall call)
    {
        var (address, key, tag) = (call.Address(0), Slot(call.Text(1), 1), call.Block(2));
        var value = await reader.ReadAsync(call.Cancellation, scope => scope.Header(tag) is { } header
            ? scope.Find(address, header.Number) is var found && found.Account is not null ? found.State.GetStorage(address, key)
                : UInt256.Zero
            : (UInt256?)null).ConfigureAwait(false);
        if (value is not { } word) NoSuchBlock(call, asData: true);
        else call.Result.Data(word.ToBigEndian());
    }

    private async ValueTask StorageRootAsync(RpcCall call)
    {
        var (address, tag) = (call.Address(0), call.OptionalBlock(1));
        var found = await FindAsync(call, address, tag).ConfigureAwait(false) ?? throw new RpcException("invalid block number");
        call.Result.Value((found.Account ?? throw new RpcException("can't find state object")).StorageRoot);
    }

    private async ValueTask ProofAsync(RpcCall call)
    {
        var (address, keys, tag) = (call.Address(0), call.Read(1, ReadKeys), call.Block(2));
        var slots = keys.ConvertAll(static key => Slot(key, 1));
        var proof = await reader.ReadAsync(call.Cancellation, scope => scope.Header(tag) is { } header
            ? scope.View.Prove(scope.Find(address, header.Number).IsPrivate, header.Number, address, slots)
            : null).ConfigureAwait(false);
        if (proof is null) NoSuchBlock(call);
        else Write(call.Result, proof, keys);
    }

    private static List<string> ReadKeys(ref Utf8JsonReader json)
    {
        if (json.TokenType != JsonTokenType.StartArray)
            throw new FormatException("json: cannot unmarshal non-array into Go value of type []string");
        var keys = new List<string>();
        while (json.Read() && json.TokenType != JsonTokenType.EndArray)
        {
            keys.Add(GoJson.String(ref json));
            if (keys.Count > MostProofKeys) throw new FormatException($"at most {MostProofKeys} storage keys");
        }
        return keys;
    }

    private static void Write(Utf8JsonWriter json, StateProof proof, List<string> keys)
    {
        json.WriteStartObject();
        json.Value("address"u8, proof.Address);
        WriteNodes(json, "accountProof", proof.AccountNodes);
        json.Quantity("balance"u8, proof.Account?.Balance ?? UInt256.Zero);
        json.Value("codeHash"u8, proof.Account?.CodeHash ?? Hash256.EmptyCode);
        json.Quantity("nonce"u8, proof.Account?.Nonce ?? 0);
        json.Value("storageHash"u8, proof.Account?.StorageRoot ?? Hash256.EmptyTrie);
        json.WriteStartArray("storageProof");
        for (var i = 0; i < keys.Count; i++)
        {
            json.WriteStartObject();
            json.WriteString("key", keys[i]);
            json.Quantity("value"u8, proof.Storage[i].Value);
            WriteNodes(json, "proof", proof.Storage[i].Nodes);
            json.WriteEndObject();
        }
        json.WriteEndArray();
        json.WriteEndObject();
    }

    private static void WriteNodes(Utf8JsonWriter json, string name, IReadOnlyList<byte[]> nodes)
    {
        json.WriteStartArray(name);
        foreach (var node in nodes) json.Data(node);
        json.WriteEndArray();
    }

    private ValueTask<(IStateReader State, Account? Account)?> FindAsync(RpcCall call, Address address, BlockTag tag) =>
        reader.ReadAsync(call.Cancellation, scope =>
    {
        if (scope.Header(tag) is not { } header) return ((IStateReader, Account?)?)null;
        var (state, account, _) = scope.Find(address, header.Number);
        return (state, account);
    });

    /// <param name="asData">0x instead of null.</param>
    private void NoSuchBlock(RpcCall call, bool asData = false)
    {
        if (!node.Profile.Rpc.AnswersForUnknownBlocks) throw new RpcException("header not found");
        if (asData) call.Result.Data([]);
        else call.Result.WriteNullValue();
    }

    /// <summary>Any number of hex digits, with or without 0x, as geth takes them: the low 32 bytes count.</summary>
    private static UInt256 Slot(string digits, int argument)
    {
        if (digits.StartsWith("0x", StringComparison.OrdinalIgnoreCase)) digits = digits[2..];
        digits = digits.Length > 64 ? digits[^64..] : digits.PadLeft(64, '0');
        return Hex.TryFromHex(digits, out var bytes) ? UInt256.FromBigEndian(bytes)
            : throw RpcException.InvalidArgument(argument, "invalid hex string");
    }
}
