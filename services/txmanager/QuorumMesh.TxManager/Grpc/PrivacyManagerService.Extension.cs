using Google.Protobuf;
using Grpc.Core;
using QuorumMesh.Contracts.Payloads;
using QuorumMesh.Contracts.Privacy;
using QuorumMesh.TxManager.Core;
using QuorumMesh.TxManager.Core.Distribution;

namespace QuorumMesh.TxManager.Grpc;

// What the node's contract extension asks: Tessera's isSender, participants and encodedpayload (tessera 1.7, 1.10).
public sealed partial class PrivacyManagerService
{
    public override Task<OriginReply> Origin(OriginRequest request, ServerCallContext context) => RpcFailure.MapAsync(async () =>
    {
        var hash = Hash(request.Hash).ToArray();
        var isSender = await reader.IsSenderAsync(hash, Room(context), context.CancellationToken).ConfigureAwait(false);
        var participants = await reader.ParticipantsAsync(hash, Room(context), context.CancellationToken).ConfigureAwait(false);
        var reply = new OriginReply { IsSender = isSender };
        reply.RecipientKeys.AddRange(participants.Select(Bytes));
        return reply;
    });

    public override Task<SealedPayload> Seal(SealRequest request, ServerCallContext context) => RpcFailure.MapAsync(async () =>
    {
        var encoded = await sender.EncodeAsync(
            request.Payload.Memory, OptionalKey("sender_key", request.SenderKey), [], PrivacyOptions.Standard, Room(context),
            context.CancellationToken).ConfigureAwait(false);
        var reply = new SealedPayload
        {
            SenderKey = Bytes(encoded.SenderKey),
            CipherText = ByteString.CopyFrom(encoded.CipherText),
            CipherTextNonce = ByteString.CopyFrom(encoded.CipherTextNonce),
            RecipientNonce = ByteString.CopyFrom(encoded.RecipientNonce),
        };
        reply.RecipientBoxes.AddRange(encoded.RecipientBoxes.Select(box => ByteString.CopyFrom(box)));
        reply.RecipientKeys.AddRange(encoded.RecipientKeys.Select(Bytes));
        return reply;
    });

    public override Task<OpenReply> Open(SealedPayload request, ServerCallContext context) => RpcFailure.MapAsync(async () =>
    {
        if (request.RecipientBoxes.Count > LegacyPayloadCodec.MaxItems || request.RecipientKeys.Count > LegacyPayloadCodec.MaxItems)
            throw new PrivacyException(Failure.BadRequest, $"recipient_keys: at most {LegacyPayloadCodec.MaxItems}");
        var payload = new EncodedPayload
        {
            SenderKey = Key("sender_key", request.SenderKey),
            CipherText = request.CipherText.ToByteArray(),
            CipherTextNonce = request.CipherTextNonce.ToByteArray(),
            RecipientBoxes = [.. request.RecipientBoxes.Select(box => box.ToByteArray())],
            RecipientNonce = request.RecipientNonce.ToByteArray(),
            RecipientKeys = Keys("recipient_keys", request.RecipientKeys),
        };
        try
        {
            var opened = await reader.DecryptAsync(payload, Room(context), context.CancellationToken).ConfigureAwait(false);
            return new OpenReply { Payload = UnsafeByteOperations.UnsafeWrap(opened) };
        }
        catch (PrivacyException e) when (e.Failure == Failure.NoSuitableKey)
        {
            // Its word on the payload, not a fault: the node must not wait for another.
            throw new RpcException(new Status(StatusCode.NotFound, e.Message));
        }
    });
}
