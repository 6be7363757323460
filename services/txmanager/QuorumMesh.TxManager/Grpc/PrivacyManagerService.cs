using Google.Protobuf;
using Google.Protobuf.Collections;
using Grpc.Core;
using QuorumMesh.Contracts;
using QuorumMesh.Contracts.Payloads;
using QuorumMesh.Contracts.Privacy;
using QuorumMesh.Listeners.Grpc;
using QuorumMesh.Primitives;
using QuorumMesh.TxManager.Core;
using QuorumMesh.TxManager.Core.Distribution;
using QuorumMesh.TxManager.Core.Keys;
using QuorumMesh.TxManager.Core.Ports;
using QuorumMesh.TxManager.Rest;
using CoreAnswer = QuorumMesh.TxManager.Core.Distribution.PayloadAnswer;

namespace QuorumMesh.TxManager.Grpc;

/// <summary>The gRPC service for our own node.</summary>
/// <param name="stopping">Ends the Watch streams, which no node ever ends: a stop that waits for open calls would wait for its whole
/// limit.</param>
public sealed partial class PrivacyManagerService(PayloadSender sender, PayloadReader reader, RecentPayloads recent,
    IPayloadStore store, OwnKeys ownKeys, CancellationToken stopping)
    : PrivacyManager.PrivacyManagerBase
{
    /// <summary>Bytes of a message in either direction.</summary>
    public const int MaxMessage = 40 * 1024 * 1024;

    /// <summary>Sends that one message of SendMany may have.</summary>
    public const int MaxSends = 256;

    private const int WatchPage = 500;

    /// <summary>About what a row and its event take, in bytes.</summary>
    private const int WatchRow = 512;

    /// <summary>Of the answers of a page that wait to leave together, in bytes.</summary>
    private const int WatchAnswers = 256 * 1024;

    private static readonly WriteOptions Buffered = new(WriteFlags.BufferHint);

    public override Task<SendReply> Send(Contracts.Privacy.SendRequest request, ServerCallContext context) =>
        RpcFailure.MapAsync(async () =>
    {
        var reply = await SendAsync(request, context).ConfigureAwait(false);
        reply.Database = await DatabaseAsync(request.KnownSequence, context).ConfigureAwait(false);
        return reply;
    });

    public override Task<StoreReply> Store(StoreRequest request, ServerCallContext context) => RpcFailure.MapAsync(async () =>
    {
        var hash = await sender.StoreRawAsync(
            request.Payload.Memory, OptionalKey("sender_key", request.SenderKey), Room(context), context.CancellationToken)
            .ConfigureAwait(false);
        return new StoreReply
        {
            Hash = ByteString.CopyFrom(hash.ToArray()),
            Database = await DatabaseAsync(request.KnownSequence, context).ConfigureAwait(false),
        };
    });

    public override Task<SendReply> SendSigned(SendSignedRequest request, ServerCallContext context) => RpcFailure.MapAsync(async () =>
    {
        var privacy = Privacy(
            request.PrivacyFlag, request.AffectedTransactions, request.ExecutionHash, request.MandatoryRecipients, request.PrivateStateId);
        var result = await sender.SendSignedAsync(
            Hash(request.Hash).ToArray(), Keys("recipient_keys", request.RecipientKeys), privacy, Room(context), context.CancellationToken)
            .ConfigureAwait(false);
        var reply = Reply(result);
        reply.Database = await DatabaseAsync(request.KnownSequence, context).ConfigureAwait(false);
        return reply;
    });

    public override Task<ReceiveReply> Receive(ReceiveRequest request, ServerCallContext context) => RpcFailure.MapAsync(async () =>
    {
        PayloadHash[] hashes = [.. request.Hashes.Take(PayloadReader.MaxBatch + 1).Select(Hash)];
        var answers = await reader.AnswerAsync(hashes, Budget(request.MaxBytes), Room(context), context.CancellationToken)
            .ConfigureAwait(false);
        var reply = new ReceiveReply();
        reply.Answers.AddRange(answers.Select(Message));
        if (request.MaxBytes <= 0 && (answers.Count < hashes.Length || reply.CalculateSize() > MaxMessage))
            throw new RpcException(new Status(
                StatusCode.ResourceExhausted,
                $"the payloads are larger than a message of {MaxMessage} bytes: ask for fewer, or set max_bytes"));
        reply.Database = await DatabaseAsync(request.KnownSequence, context).ConfigureAwait(false);
        return reply;
    });

    public override Task<ReceiveStoredReply> ReceiveStored(ReceiveStoredRequest request, ServerCallContext context) =>
        RpcFailure.MapAsync(async () =>
    {
        var stored = await reader.ReceiveRawAsync(Hash(request.Hash).ToArray(), Room(context), context.CancellationToken)
            .ConfigureAwait(false);
        return new ReceiveStoredReply { Payload = UnsafeByteOperations.UnsafeWrap(stored.Payload) };
    });

    public override async Task Watch(WatchRequest request, IServerStreamWriter<WatchEvent> stream, ServerCallContext context)
    {
        try
        {
            await FollowAsync(request, stream, context).ConfigureAwait(false);
        }
        catch (RpcException) when (stopping.IsCancellationRequested)
        {
            throw new RpcException(new Status(StatusCode.Unavailable, "The transaction manager stops"));
        }
    }

    private Task FollowAsync(WatchRequest request, IServerStreamWriter<WatchEvent> stream, ServerCallContext context) =>
        RpcFailure.MapAsync<bool>(async () =>
        {
            using var place = Room(context).Begin();
            place.Take((WatchPage * WatchRow) + WatchAnswers);
            using var ended = CancellationTokenSource.CreateLinkedTokenSource(context.CancellationToken, stopping);
            var cancel = ended.Token;
            var sequence = request.AfterSequence;
            while (true)
            {
                cancel.ThrowIfCancellationRequested();
                var nextWrite = store.WaitForWriteAsync(cancel);
                var before = sequence;
                var page = await store.AvailableAfterAsync(sequence, WatchPage, cancel).ConfigureAwait(false);
                var database = page.Count > 0 ? await DatabaseAsync(request.KnownSequence, context).ConfigureAwait(false) : null;
                var (told, waiting) = (0, 0);
                foreach (var item in page)
                {
                    var hash = ByteString.CopyFrom(item.Hash.ToArray());
                    var change = new WatchEvent { Sequence = item.Sequence, Hash = hash, Database = database };
                    if (request.WithPayloads && recent.Find(item.Hash) is { } received)
                        change.Answer = Message(new CoreAnswer(item.Hash, PayloadAvailability.Here, received));
                    // Those of a page leave together: one that is flushed takes all before it along.
                    waiting += change.CalculateSize();
                    var isFlushed = ++told == page.Count || waiting > WatchAnswers;
                    stream.WriteOptions = isFlushed ? WriteOptions.Default : Buffered;
                    waiting = isFlushed ? 0 : waiting;
                    await stream.WriteAsync(change, cancel).ConfigureAwait(false);
                    sequence = item.Sequence;
                }

                if (page.Count < WatchPage || sequence == before)
                    await nextWrite.ConfigureAwait(false);
            }
        });

    public override Task<InfoReply> Info(InfoRequest request, ServerCallContext context) => RpcFailure.MapAsync(async () =>
    {
        var keys = await ownKeys.ActiveAsync(context.CancellationToken).ConfigureAwait(false);
        var reply = new InfoReply
        {
            ManagerId = await store.ManagerIdAsync(context.CancellationToken).ConfigureAwait(false),
            Version = CommonRoutes.Version,
            SendsAtOnce = MaxSends,
            Database = await DatabaseAsync(request.KnownSequence, context).ConfigureAwait(false),
        };
        reply.ApiVersions.AddRange(CommonRoutes.ApiVersions);
        reply.Keys.AddRange(keys.Select(Bytes));
        return reply;
    });

    private static Contracts.Privacy.PayloadAnswer Message(CoreAnswer answer)
    {
        var message = new Contracts.Privacy.PayloadAnswer
        {
            Hash = ByteString.CopyFrom(answer.Hash.ToArray()),
            Availability = answer.Availability switch
            {
                PayloadAvailability.Here => Contracts.Privacy.Availability.Here,
                PayloadAvailability.NotAParty => Contracts.Privacy.Availability.NotAParty,
                PayloadAvailability.Missing => Contracts.Privacy.Availability.Missing,
                _ => Contracts.Privacy.Availability.Unavailable,
            },
        };
        if (answer.Received is { } received)
        {
            message.Payload = UnsafeByteOperations.UnsafeWrap(received.Payload);
            message.PrivacyFlag = (PrivacyFlag)(int)(received.Envelope?.PrivacyMode ?? PrivacyMode.StandardPrivate);
            message.AffectedTransactions.AddRange(
                (received.Envelope?.AffectedTransactions ?? []).Select(a => ByteString.CopyFrom(a.Hash.ToArray())));
            message.ExecutionHash = ByteString.CopyFrom(received.Envelope?.ExecutionHash ?? []);
            message.MandatoryRecipients.AddRange((received.Envelope?.MandatoryRecipients ?? []).Select(Bytes));
            message.SenderKey = Bytes(received.Sender);
            message.ManagedParties.AddRange(received.ManagedParties.Select(Bytes));
            message.IsSender = received.IsSender;
        }

        return message;
    }

    /// <summary>
    /// Read after what the answer holds, so that it knows no less; and from the database, for managers that share it each know only their
    /// own writes.
    /// </summary>
    /// <param name="known">The record that the node asks about; 0 for none.</param>
    private async Task<Database> DatabaseAsync(long known, ServerCallContext context)
    {
        var mark = await store.MarkAsync(known, context.CancellationToken).ConfigureAwait(false);
        return new Database
        {
            Id = await store.ManagerIdAsync(context.CancellationToken).ConfigureAwait(false),
            Watermark = mark.Watermark,
            RowSequence = known,
            RowHash = mark.KnownHash is { } hash ? ByteString.CopyFrom(hash.ToArray()) : ByteString.Empty,
        };
    }

    /// <summary>Of payloads in one answer; the rest of a message is left to keys and hashes.</summary>
    private static int Budget(long asked) => (int)Math.Min(asked > 0 ? asked : MaxMessage, MaxMessage - (1024 * 1024));

    /// <returns>Without the database, which is read once all that is answered is there.</returns>
    private async Task<SendReply> SendAsync(Contracts.Privacy.SendRequest request, ServerCallContext context)
    {
        var privacy = Privacy(
            request.PrivacyFlag, request.AffectedTransactions, request.ExecutionHash, request.MandatoryRecipients, request.PrivateStateId);
        return Reply(await sender.SendAsync(
            request.Payload.Memory, OptionalKey("sender_key", request.SenderKey), Keys("recipient_keys", request.RecipientKeys), privacy,
            Room(context), context.CancellationToken).ConfigureAwait(false));
    }

    private static SendReply Reply(SendResult result)
    {
        var reply = new SendReply { Hash = ByteString.CopyFrom(result.Hash.ToArray()), SenderKey = Bytes(result.Sender) };
        reply.ManagedParties.AddRange(result.ManagedParties.Select(Bytes));
        return reply;
    }

    /// <summary>"private" and "" name the one private state that there is.</summary>
    private static PrivacyOptions Privacy(
        PrivacyFlag flag, RepeatedField<ByteString> affected, ByteString executionHash, RepeatedField<ByteString> mandatory,
        string privateState)
    {
        if (privateState is not ("" or "private"))
            throw new PrivacyException(Failure.Forbidden, "Multiple private state feature is not available on this privacy manager");
        if (!Enum.IsDefined(flag))
            throw PrivacyException.EnhancedPrivacy();
        return new PrivacyOptions((PrivacyMode)(int)flag)
        {
            Affected = [.. affected.Select(Hash)],
            ExecutionHash = executionHash.ToByteArray(),
            Mandatory = Keys("mandatory_recipients", mandatory),
        };
    }

    private static PayloadRoom Room(ServerCallContext context) => ListenerRoom.Of(GrpcListener.Work(context));

    private static ByteString Bytes(PublicKey key) => ByteString.CopyFrom(key.Span);

    private static PublicKey? OptionalKey(string field, ByteString bytes) => bytes.IsEmpty ? null : Key(field, bytes);

    private static PublicKey[] Keys(string field, RepeatedField<ByteString> keys) => [.. keys.Select(k => Key(field, k))];

    private static PublicKey Key(string field, ByteString bytes) => bytes.Length is > 0 and <= PublicKey.MaxSize
        ? new PublicKey(bytes.Span)
        : throw new PrivacyException(Failure.BadRequest, $"{field}: a key has 1 to {PublicKey.MaxSize} bytes, not {bytes.Length}");

    private static PayloadHash Hash(ByteString bytes) => bytes.Length == PayloadHash.Size
        ? new PayloadHash(bytes.Span)
        : throw new PrivacyException(Failure.BadRequest, $"hash: has {PayloadHash.Size} bytes, not {bytes.Length}");
}
