using System.Buffers;
using System.Text.Json;
using QuorumMesh.Chain;
using QuorumMesh.Chain.Execution;
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
        table.AddAsync("eth_getQuorumPayloadExtra", 1, PayloadExtraAsync);
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
        var hash = HashOf(call);
        call.Result.Data((await ReceiveAsync(hash, call.Cancellation).ConfigureAwait(false))?.Payload ?? []);
    }

    private PayloadHash HashOf(RpcCall call)
    {
        var text = call.Text(0);
        RequireManager();
        var digest = DigestOf(text);
        return digest.Length == PayloadHash.Size ? new PayloadHash(digest)
            : throw new RpcException($"Expected a Quorum digest of length {PayloadHash.Size}, but got {digest.Length}");
    }

    /// <summary>The payload with what was promised of it (24:private/engine/model.go QuorumPayloadExtra).</summary>
    private async ValueTask PayloadExtraAsync(RpcCall call)
    {
        var answer = await ReceiveAsync(HashOf(call), call.Cancellation).ConfigureAwait(false);
        call.Result.WriteStartObject();
        call.Result.Data("Payload"u8, answer?.Payload ?? []);
        call.Result.WritePropertyName("ExtraMetaData"u8);
        if (answer is null) call.Result.WriteNullValue();
        else WriteExtra(call.Result, answer);
        call.Result.WriteBoolean("IsSender"u8, answer?.SenderKey is { } sender && answer.ManagedParties.Any(k => k.SequenceEqual(sender)));
        call.Result.WriteEndObject();
    }

    private static void WriteExtra(Utf8JsonWriter json, PayloadAnswer answer)
    {
        json.WriteStartObject();
        json.WriteStartArray("ACHashes"u8);
        foreach (var hash in answer.AffectedTransactions) json.WriteStringValue(hash.ToBase64());
        json.WriteEndArray();
        json.WriteString("ACMerkleRoot"u8, PrivacyVerification.ReadExecutionHash(answer).ToString());
        json.WriteNumber("PrivacyFlag"u8, (int)answer.PrivacyMode);
        json.WriteStartArray("ManagedParties"u8);
        foreach (var key in answer.ManagedParties) json.WriteStringValue(Convert.ToBase64String(key));
        json.WriteEndArray();
        json.WriteString("Sender"u8, Convert.ToBase64String(answer.SenderKey ?? []));
        // GoQuorum's manager does not hand them out with a payload.
        json.WriteNull("MandatoryRecipients"u8);
        json.WriteEndObject();
    }

    /// <summary>A contract of the standard kind has none (24:core/state/statedb.go GetPrivacyMetadata, 24:eth/api_backend.go).</summary>
    private async ValueTask MetadataAsync(RpcCall call)
    {
        var address = call.Address(0);
        var (_, account, isPrivate) = await reader.ReadAsync(call.Cancellation, scope => scope.Find(address, scope.Latest))
            .ConfigureAwait(false);
        if (!isPrivate)
            throw new RpcException($"{Hex.ToHex(address.ToArray(), prefix: false)}: the provided address is not a private contract");
        if (account?.Privacy is not { } metadata) throw new RpcException($"{address.ToChecksumString()}: no account extra data found");
        var mandatory = metadata.Mode == PrivacyMode.MandatoryRecipients
            ? await node.TransactionManager.MandatoryRecipientsAsync(metadata.Creation, call.Cancellation).ConfigureAwait(false) : [];
        call.Result.WriteStartObject();
        call.Result.WriteString("creationTxHash"u8, metadata.Creation.ToBase64());
        call.Result.WriteNumber("privacyFlag"u8, (int)metadata.Mode);
        if (mandatory.Count > 0)
        {
            call.Result.WriteStartArray("mandatoryFor"u8);
            foreach (var key in mandatory) call.Result.WriteStringValue(key);
            call.Result.WriteEndArray();
        }
        call.Result.WriteEndObject();
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
        if (payload is { Payload: { } bytes }) throw new RpcException(GoJsonText.NoTransaction(bytes));
        call.Result.WriteNullValue();
    }

    /// <returns>Null for a payload of others.</returns>
    private async Task<PayloadAnswer?> ReceiveAsync(PayloadHash hash, CancellationToken cancellation)
    {
        var answer = (await node.TransactionManager.ReceiveAsync([hash], cancellation).ConfigureAwait(false))[0];
        return answer.Availability switch
        {
            PayloadAvailability.Here => answer,
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
