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

    public void Register(RpcMethodTable table)
    {
        table.AddAsync("eth_getQuorumPayload", 1, PayloadAsync);
        if (!node.Profile.Rpc.HasContractPrivacyMetadata) return;
        table.AddAsync("eth_getContractPrivacyMetadata", 1, MetadataAsync);
        if (!node.Profile.Rpc.HasPrivacyMarkers) return;
        table.Add("eth_getPrivacyPrecompileAddress", 0, call => call.Result.Value(PrivacyMarker.Address));
        table.AddAsync("eth_getQuorumPayloadExtra", 1, PayloadExtraAsync);
        table.AddAsync("eth_getPrivateTransactionByHash", 1, MarkedTransactionAsync);
        table.AddAsync("eth_getPrivateTransactionReceipt", 1, MarkedReceiptAsync);
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

    /// <summary>The private transaction in a marker's payload, placed where the marker is.</summary>
    private async ValueTask MarkedTransactionAsync(RpcCall call)
    {
        var hash = call.Hash(0);
        RequireManager();
        if (await FindAsync(hash, call.Cancellation).ConfigureAwait(false) is not { } marker
            || await InnerOfAsync(marker.Transaction, call.Cancellation).ConfigureAwait(false) is not { } inner)
            call.Result.WriteNullValue();
        else
            TransactionJson.Write(call.Result, inner.Tx, inner.Sender,
                new PlacedTransaction(marker.Block.Header, marker.Index, inner.Tx.GasPrice), node.Profile);
    }

    private async ValueTask MarkedReceiptAsync(RpcCall call)
    {
        var hash = call.Hash(0);
        if (await FindAsync(hash, call.Cancellation).ConfigureAwait(false) is not { } marker)
            throw new RpcException("privacy marker transaction not found");
        if (!node.TransactionManager.Enabled
            || await InnerOfAsync(marker.Transaction, call.Cancellation).ConfigureAwait(false) is not { } inner)
            throw new RpcException("private transaction not found for this participant");
        var receipt = await reader.ReadAsync(call.Cancellation, scope =>
        {
            scope.View.RequireAgreement();
            return scope.View.MergedReceipts(marker.Block)[marker.Index].Marked;
        }).ConfigureAwait(false) ?? throw new RpcException("could not find receipt for private transaction");
        ReceiptJson.WriteMarked(call.Result, marker.Block, marker.Index, inner, receipt, node.Config, node.Profile);
    }

    private ValueTask<TransactionLookup?> FindAsync(Hash256 hash, CancellationToken cancellation) =>
        reader.ReadAsync(cancellation, scope => scope.View.FindTransaction(hash));

    /// <summary>
    /// What a payload holds as JSON, with its signer (24:private/private.go FetchPrivateTransaction): GoQuorum looks into that of any
    /// transaction. Null for one whose payload is not ours.
    /// </summary>
    /// <exception cref="RpcException">The payload is no transaction's.</exception>
    private async Task<RecoveredTransaction?> InnerOfAsync(Transaction marker, CancellationToken cancellation)
    {
        if (PayloadNames.Crop(marker.Data) is not { } hash
            || (await ReceiveAsync(hash, cancellation).ConfigureAwait(false))?.Payload is not { } payload)
            return null;
        try
        {
            var inner = TransactionText.Decode(payload);
            TransactionSigner.TryRecover(inner, node.Config.ChainId, Evm.Fork.Homestead, out var sender);
            return new RecoveredTransaction(inner, sender);
        }
        catch (FormatException e)
        {
            throw new RpcException(GoJsonText.NoTransaction(payload, e.Message));
        }
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
