using System.Diagnostics;
using Google.Protobuf;
using Grpc.Core;
using QuorumMesh.Contracts;
using QuorumMesh.Contracts.Identities;
using QuorumMesh.Contracts.Payloads;
using QuorumMesh.Enclave.Core;
using Proto = QuorumMesh.Contracts.Enclave;

namespace QuorumMesh.Enclave.Grpc;

/// <summary>The enclave's data port. An unknown key is NOT_FOUND, bytes that cannot be right are INVALID_ARGUMENT; without keys
/// all is UNAVAILABLE.</summary>
internal sealed class EnclaveService(
    PayloadSealer sealer, KeyCustody custody, EnclaveMetrics metrics, IReadOnlyList<PublicKey> alwaysSendTo,
    IdentityKey? identity, TimeProvider time) : Proto.Enclave.EnclaveBase
{
    /// <summary>Calls that one message of Many may have.</summary>
    private const int MaxCalls = 256;

    /// <summary>The end of 9999, the last that a DateTimeOffset holds.</summary>
    private const long MaxMilliseconds = 253_402_300_799_999;

    public override Task<Proto.KeysReply> Keys(Proto.KeysRequest request, ServerCallContext context) => Answer("keys", () =>
    {
        var reply = new Proto.KeysReply { CallsAtOnce = MaxCalls };
        foreach (var key in sealer.Ring.Keys)
            reply.Keys.Add(new Proto.EnclaveKey
            {
                PublicKey = MessageMapping.Bytes(key.PublicKey),
                Id = key.Id,
                Version = key.Version,
                State = key.State == EnclaveKeyState.Active ? Proto.KeyState.Active : Proto.KeyState.Retired,
            });
        reply.AlwaysSendTo.AddRange(alwaysSendTo.Select(MessageMapping.Bytes));
        if (identity is not null) reply.Identity = ByteString.CopyFrom(identity.PublicKey);
        reply.Revoked.AddRange(sealer.Ring.Revoked.Select(r => MessageMapping.Bytes(r.Key)));
        return reply;
    });

    public override Task<Proto.SignReply> Sign(Proto.SignRequest request, ServerCallContext context) => Answer("sign", () =>
    {
        var signer = Identity();
        return new Proto.SignReply
        {
            Identity = ByteString.CopyFrom(signer.PublicKey),
            Signature = MessageMapping.Wrap(signer.Sign(Statement(request))),
        };
    });

    public override Task<Proto.AnnounceReply> Announce(Proto.AnnounceRequest request, ServerCallContext context) => Answer("announce", () =>
    {
        var made = OwnAnnouncement.Make(sealer.Ring, Identity(), request.After, time.GetUtcNow());
        return new Proto.AnnounceReply
        {
            Announcement = MessageMapping.Wrap(made.Bytes),
            Signature = MessageMapping.Wrap(made.Signature),
        };
    });

    private IdentityKey Identity() => identity ?? throw new RpcException(new Status(StatusCode.FailedPrecondition,
        "this enclave has no identity: 'qmesh keys identity FILE' makes one, and keys.identity names it"));

    public override Task<Proto.SealReply> Seal(Proto.SealRequest request, ServerCallContext context) => Task.FromResult(Seal(request));

    public override Task<Proto.OpenReply> Open(Proto.OpenRequest request, ServerCallContext context) => Task.FromResult(Open(request));

    public override Task<Proto.ManyReply> Many(Proto.ManyRequest request, ServerCallContext context)
    {
        if (request.Calls.Count > MaxCalls)
            throw new RpcException(new Status(
                StatusCode.InvalidArgument, $"a message has at most {MaxCalls} calls, not {request.Calls.Count}"));
        var reply = new Proto.ManyReply();
        reply.Outcomes.AddRange(request.Calls.Select(OutcomeOf));
        return Task.FromResult(reply);
    }

    private Proto.EnclaveOutcome OutcomeOf(Proto.EnclaveCall call)
    {
        try
        {
            return call.CallCase switch
            {
                Proto.EnclaveCall.CallOneofCase.Seal => new Proto.EnclaveOutcome { Seal = Seal(call.Seal) },
                Proto.EnclaveCall.CallOneofCase.Open => new Proto.EnclaveOutcome { Open = Open(call.Open) },
                _ => Refusal(StatusCode.InvalidArgument, "the call is none that this enclave knows"),
            };
        }
        catch (RpcException e)
        {
            return Refusal(e.StatusCode, e.Status.Detail);
        }
    }

    private static Proto.EnclaveOutcome Refusal(StatusCode status, string detail) =>
        new() { Refusal = new Proto.EnclaveRefusal { Status = (int)status, Detail = detail } };

    private Proto.SealReply Seal(Proto.SealRequest request) => Measured("seal", () =>
    {
        var recipients = MessageMapping.Keys(request.RecipientKeys, "recipient_keys");
        var sealedPayload = request.ContentCase switch
        {
            Proto.SealRequest.ContentOneofCase.Payload => sealer.Seal(request.Payload.Span, SenderOrDefault(request.SenderKey), recipients),
            Proto.SealRequest.ContentOneofCase.Raw => sealer.SealFromRaw(MessageMapping.Raw(request.Raw), recipients),
            _ => throw new InvalidCipherException("there is neither a payload nor a raw payload to seal"),
        };
        var reply = new Proto.SealReply { Sealed = MessageMapping.Message(sealedPayload) };
        foreach (var proof in sealer.SecurityHashes(sealedPayload.CipherText, MessageMapping.Affected(request.Affected)))
            reply.SecurityHashes.Add(new Proto.SecurityHash
            {
                AffectedHash = MessageMapping.Wrap(proof.Hash.ToArray()),
                SecurityHash_ = MessageMapping.Wrap(proof.SecurityHash),
            });
        return reply;
    });

    public override Task<Proto.SealRawReply> SealRaw(Proto.SealRawRequest request, ServerCallContext context) => Answer("seal_raw", () =>
        new Proto.SealRawReply { Raw = MessageMapping.Message(sealer.SealRaw(request.Payload.Span, SenderOrDefault(request.SenderKey))) });

    private Proto.OpenReply Open(Proto.OpenRequest request) => Measured("open", () =>
    {
        var own = request.OwnKey.IsEmpty ? null : MessageMapping.Key(request.OwnKey, "own_key");
        var opened = request.ContentCase switch
        {
            Proto.OpenRequest.ContentOneofCase.Sealed => sealer.Open(MessageMapping.Sealed(request.Sealed), own),
            Proto.OpenRequest.ContentOneofCase.Raw => sealer.OpenRaw(MessageMapping.Raw(request.Raw)),
            _ => throw new InvalidCipherException("there is neither a sealed nor a raw payload to open"),
        };
        return new Proto.OpenReply { Payload = MessageMapping.Wrap(opened.Payload), KeyUsed = MessageMapping.Bytes(opened.KeyUsed) };
    });

    public override Task<Proto.AddBoxReply> AddBox(Proto.AddBoxRequest request, ServerCallContext context) => Answer("add_box", () =>
        new Proto.AddBoxReply
        {
            Box = MessageMapping.Wrap(sealer.AddBox(
                MessageMapping.Sealed(request.Sealed), MessageMapping.Key(request.RecipientKey, "recipient_key"))),
        });

    public override Task<Proto.CheckSecurityHashesReply> CheckSecurityHashes(
        Proto.CheckSecurityHashesRequest request, ServerCallContext context) => Answer("check_security_hashes", () =>
    {
        var invalid = sealer.InvalidSecurityHashes(
            MessageMapping.Sealed(request.Sealed).CipherText,
            MessageMapping.SecurityHashes(request.SecurityHashes),
            MessageMapping.Affected(request.Affected));
        var reply = new Proto.CheckSecurityHashesReply();
        reply.InvalidHashes.AddRange(invalid.Select(hash => MessageMapping.Wrap(hash.ToArray())));
        return reply;
    });

    private IdentityStatement Statement(Proto.SignRequest request) => request.StatementCase switch
    {
        Proto.SignRequest.StatementOneofCase.DeliveryReceipt => Receipt(request.DeliveryReceipt),
        Proto.SignRequest.StatementOneofCase.ManagerTlsKey => IdentityStatement.ManagerTlsKey(request.ManagerTlsKey.Span),
        Proto.SignRequest.StatementOneofCase.Presence =>
            IdentityStatement.Presence(request.Presence.Nonce.Span, request.Presence.Url),
        Proto.SignRequest.StatementOneofCase.DeliveryReceipts => Receipts(request.DeliveryReceipts),
        _ => throw new InvalidCipherException("there is no statement to sign"),
    };

    /// <summary>For keys of ours alone, also retired ones.</summary>
    private IdentityStatement Receipts(Proto.DeliveryReceipts receipts)
    {
        if (receipts.Deliveries.Count > PushMany.MaxPayloads || receipts.Store.Length != DeliveryReceipts.StoreSize)
            throw new InvalidCipherException(
                $"receipts are for at most {PushMany.MaxPayloads} payloads, and name a store of {DeliveryReceipts.StoreSize} bytes");
        if (receipts.KeptAtMs is < 0 or > MaxMilliseconds)
            throw new InvalidCipherException("kept_at_ms is no time between 1970 and 9999");
        Delivery[] deliveries = [.. receipts.Deliveries.Select(d => new Delivery(
            MessageMapping.Hash(d.PayloadHash, "payload_hash"),
            sealer.Ring.Get(MessageMapping.Key(d.RecipientKey, "recipient_key")).PublicKey))];
        return IdentityStatement.DeliveryReceipts(
            DateTimeOffset.FromUnixTimeMilliseconds(receipts.KeptAtMs), new Guid(receipts.Store.Span, bigEndian: true), deliveries);
    }

    /// <summary>For a key of ours alone, also a retired one.</summary>
    private IdentityStatement Receipt(Proto.DeliveryReceipt receipt)
    {
        var recipient = sealer.Ring.Get(MessageMapping.Key(receipt.RecipientKey, "recipient_key")).PublicKey;
        if (receipt.KeptAtMs is < 0 or > MaxMilliseconds) throw new InvalidCipherException("kept_at_ms is no time between 1970 and 9999");
        return IdentityStatement.DeliveryReceipt(receipt.PayloadHash.Span, recipient,
            DateTimeOffset.FromUnixTimeMilliseconds(receipt.KeptAtMs));
    }

    private PublicKey SenderOrDefault(ByteString sender) =>
        sender.IsEmpty ? sealer.Ring.Default.PublicKey : MessageMapping.Key(sender, "sender_key");

    private Task<T> Answer<T>(string operation, Func<T> work) => Task.FromResult(Measured(operation, work));

    private T Measured<T>(string operation, Func<T> work)
    {
        var startedAt = Stopwatch.GetTimestamp();
        var outcome = "ok";
        try
        {
            if (custody.Problem is { } problem)
                throw new RpcException(new Status(StatusCode.Unavailable, problem));
            return work();
        }
        // The manager tells the two apart: no key of ours fits, or the bytes cannot be right. Neither text names a secret.
        catch (UnknownKeyException e)
        {
            outcome = "unknown_key";
            throw new RpcException(new Status(StatusCode.NotFound, e.Message));
        }
        catch (InvalidCipherException e)
        {
            outcome = "invalid";
            throw new RpcException(new Status(StatusCode.InvalidArgument, e.Message));
        }
        catch
        {
            outcome = "failed";
            throw;
        }
        finally
        {
            metrics.Record(operation, outcome, startedAt);
        }
    }
}
