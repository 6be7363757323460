using System.Buffers;
using QuorumMesh.Chain;
using QuorumMesh.Chain.Payloads;
using QuorumMesh.Node.Rpc.Engine;
using QuorumMesh.Node.Rpc.Json;
using QuorumMesh.Node.Runtime;
using QuorumMesh.Node.Runtime.Ports;
using QuorumMesh.Primitives;

namespace QuorumMesh.Node.Rpc.Api;

/// <summary>The part of eth that GoQuorum added to look into private transactions.</summary>
internal sealed class EthPrivacyApi(INode node, NodeReader reader) : IRpcApi
{
    private static readonly SearchValues<char> HexDigits = SearchValues.Create("0123456789abcdefABCDEF");

    /// <summary>24:common/quorum.go QuorumPrivacyPrecompileContractAddress.</summary>
    private static readonly Address MarkerPrecompile = Address.Parse("0x000000000000000000000000000000000000007a");

    public void Register(RpcMethodTable table)
    {
        table.AddAsync("eth_getQuorumPayload", 1, PayloadAsync);
        if (!node.Profile.Rpc.HasContractPrivacyMetadata) return;
        table.AddAsync("eth_getContractPrivacyMetadata", 1, MetadataAsync);
        if (!node.Profile.Rpc.HasPrivacyMarkers) return;
        table.Add("eth_getPrivacyPrecompileAddress", 0, call => call.Result.Value(MarkerPrecompile));
        table.AddAsync("eth_getPrivateTransactionByHash", 1, MarkedAsync);
        table.AddAsync("eth_getPrivateTransactionReceipt", 1, MarkedAsync);
    }

    /// <summary>With the words of Go's encoding/hex for what is no hex (2.5:internal/ethapi/api.go GetQuorumPayload).</summary>
    private static byte[] DigestOf(string text)
    {
        if (text.Length < 3) throw new RpcException("Invalid digest hex");
        var digits = text.StartsWith("0x", StringComparison.Ordinal) ? text[2..] : text;
        if (digits.AsSpan().IndexOfAnyExcept(HexDigits) is var at and >= 0)
            throw new RpcException("encoding/hex: invalid byte: "
                + $"U+{(int)digits[at]:X4}{(char.IsControl(digits[at]) ? "" : $" '{digits[at]}'")}");
        return digits.Length % 2 == 0 ? Hex.FromHex(digits) : throw new RpcException("encoding/hex: odd length hex string");
    }

    private async ValueTask PayloadAsync(RpcCall call)
    {
        var text = call.Text(0);
        RequireManager();
        var digest = DigestOf(text);
        if (digest.Length != PayloadHash.Size)
            throw new RpcException($"Expected a Quorum digest of length {PayloadHash.Size}, but got {digest.Length}");
        call.Result.Data(await ReceiveAsync(new PayloadHash(digest), call.Cancellation).ConfigureAwait(false) ?? []);
    }

    /// <summary>
    /// A contract of the standard kind has none, and this node's genesis files have no other kind (24:core/state/statedb.go
    /// GetPrivacyMetadata, 24:eth/api_backend.go).
    /// </summary>
    private async ValueTask MetadataAsync(RpcCall call)
    {
        var address = call.Address(0);
        var isPrivate = await reader.ReadAsync(call.Cancellation, scope => scope.Find(address, scope.Latest).IsPrivate)
            .ConfigureAwait(false);
        throw new RpcException(isPrivate ? $"{address.ToChecksumString()}: no account extra data found"
            : $"{Hex.ToHex(address.ToArray(), prefix: false)}: the provided address is not a private contract");
    }

    /// <summary>
    /// The private transaction, or its receipt, that a privacy marker's payload holds as JSON (24:private/private.go
    /// FetchPrivateTransaction). Chains with markers are refused, so that every payload is something else, and the answer what Go's
    /// decoder says of it.
    /// </summary>
    private async ValueTask MarkedAsync(RpcCall call)
    {
        var hash = call.Hash(0);
        RequireManager();
        var data = await reader.ReadAsync(call.Cancellation, scope => scope.View.FindTransaction(hash)?.Transaction.Data)
            .ConfigureAwait(false);
        var payload = data is { Length: PayloadHash.Size }
            ? await ReceiveAsync(new PayloadHash(data), call.Cancellation).ConfigureAwait(false) : null;
        if (payload is not null) throw new RpcException(GoJsonText.NoTransaction(payload));
        call.Result.WriteNullValue();
    }

    /// <returns>Null for a payload of others.</returns>
    private async Task<byte[]?> ReceiveAsync(PayloadHash hash, CancellationToken cancellation)
    {
        var answer = (await node.TransactionManager.ReceiveAsync([hash], cancellation).ConfigureAwait(false))[0];
        return answer.Availability switch
        {
            PayloadAvailability.Here => answer.Payload!,
            PayloadAvailability.NotAParty => null,
            PayloadAvailability.Missing =>
                throw new RpcException($"this node is a party, but its transaction manager has lost payload {hash}: {answer.Reason}"),
            _ => throw new RpcException($"the transaction manager cannot be asked for payload {hash}: {answer.Reason}"),
        };
    }

    private void RequireManager()
    {
        if (!node.TransactionManager.Enabled) throw new RpcException("PrivateTransactionManager is not enabled");
    }
}
