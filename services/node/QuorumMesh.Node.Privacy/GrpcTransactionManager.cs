using System.Runtime.CompilerServices;
using Google.Protobuf;
using Grpc.Core;
using Grpc.Net.Client;
using QuorumMesh.Chain.Payloads;
using QuorumMesh.Contracts.Privacy;
using QuorumMesh.Node.Runtime;
using QuorumMesh.Node.Runtime.Ports;
using QuorumMesh.Outbound;
using QuorumMesh.Primitives;
using QuorumMesh.Tls;
using Answer = QuorumMesh.Chain.Payloads.PayloadAnswer;
using SealedPayload = QuorumMesh.Node.Runtime.Ports.SealedPayload;

namespace QuorumMesh.Node.Privacy;

/// <summary>Our own manager, by gRPC over a Unix socket or TCP.</summary>
public sealed class GrpcTransactionManager : ITransactionManager, IManagerProbe, IDisposable
{
    private const int MaxMessage = 40 * 1024 * 1024;

    private const int BatchSize = 64;

    /// <summary>
    /// Payloads in one answer, and in what is given at once: after it the caller asks again. One payload alone may be larger.
    /// </summary>
    private const int AnswerBytes = 4 * 1024 * 1024;

    private static readonly TimeSpan FirstPause = TimeSpan.FromMilliseconds(100);
    private static readonly TimeSpan LongestPause = TimeSpan.FromSeconds(5);

    private readonly GrpcChannel _channel;
    private readonly PrivacyManager.PrivacyManagerClient _client;
    private readonly ManagerTimeouts _timeouts;
    private readonly DatabaseSightings _databases = new();
    private readonly ManagerSends _sends;

    /// <summary>It is of a version that does not know <see cref="ReceiveStoredAsync"/>, nor the fields of privacy flags.</summary>
    private volatile bool _isOlder;

    /// <param name="address"><c>unix:/path</c>, <c>grpc://host:port</c> or <c>https://host:port</c>.</param>
    /// <param name="tls">For an https address.</param>
    /// <exception cref="FormatException">Neither.</exception>
    public GrpcTransactionManager(string address, ManagerTimeouts? timeouts = null, OutboundHandlers? handlers = null,
        TlsClient? tls = null)
    {
        _timeouts = timeouts ?? ManagerTimeouts.Default;
        var (url, socketPath) = ParseAddress(address);
        _channel = GrpcChannel.ForAddress(url, new GrpcChannelOptions
        {
            HttpHandler = (handlers ?? new OutboundHandlers())
            .Create(OutboundLimits.Manager with { Connect = _timeouts.Dial }, socketPath, "manager", tls),
            DisposeHttpClient = true,
            MaxReceiveMessageSize = MaxMessage,
            MaxSendMessageSize = MaxMessage,
        });
        _client = new PrivacyManager.PrivacyManagerClient(_channel);
        _sends = new ManagerSends(_client, _timeouts.Send, _databases, database => DatabaseSeen?.Invoke(database));
    }

    /// <inheritdoc/>
    public bool Enabled => true;

    /// <inheritdoc/>
    public event Action<ManagerDatabase?>? DatabaseSeen;

    /// <inheritdoc/>
    public void AskAbout(long sequence) => _databases.AskAbout(sequence);

    /// <inheritdoc/>
    public async Task<Answer> SendAsync(SendArguments arguments, CancellationToken cancellation)
    {
        ArgumentNullException.ThrowIfNull(arguments);
        var request = new SendRequest
        {
            Payload = UnsafeByteOperations.UnsafeWrap(arguments.Payload),
            SenderKey = Sender(arguments.PrivateFrom)
        };
        request.RecipientKeys.AddRange(RecipientKeys.DecodeAll("privateFor", arguments.PrivateFor).Select(Wrap));
        var privacy = arguments.Privacy;
        (request.PrivacyFlag, request.ExecutionHash) = ((PrivacyFlag)(int)privacy.Mode, ByteString.CopyFromUtf8(privacy.ExecutionHash));
        request.AffectedTransactions.AddRange(privacy.Affected.Select(hash => Wrap(hash.ToArray())));
        request.MandatoryRecipients.AddRange(RecipientKeys.DecodeAll("mandatoryFor", privacy.MandatoryFor).Select(Wrap));
        var (reply, database) = await CallAsync(options => _sends.SendAsync(request, options), _timeouts.Send, cancellation)
            .ConfigureAwait(false);
        return arguments.AnswerOf(Hash(reply.Hash)) with
        {
            SenderKey = KeyOrNull(reply.SenderKey),
            ManagedParties = Keys(reply.ManagedParties),
            Database = database,
        };
    }

    /// <inheritdoc/>
    public async Task<PayloadHash> StoreRawAsync(byte[] payload, string? privateFrom, CancellationToken cancellation)
    {
        var asked = _databases.Ask();
        var request = new StoreRequest
        {
            Payload = UnsafeByteOperations.UnsafeWrap(payload),
            SenderKey = Sender(privateFrom),
            KnownSequence = asked.Row,
        };
        var reply = await CallAsync(options => _client.StoreAsync(request, options), _timeouts.Receive, cancellation).ConfigureAwait(false);
        Saw(asked, reply.Database);
        return Hash(reply.Hash);
    }

    /// <inheritdoc/>
    public async Task SendSignedAsync(
        PayloadHash hash, IReadOnlyList<string> privateFor, SendPrivacy privacy, CancellationToken cancellation)
    {
        ArgumentNullException.ThrowIfNull(privacy);
        // What it does not know it would leave out, and send the payload as a standard one.
        if (_isOlder && privacy.Mode != PrivacyMode.StandardPrivate)
            throw new TransactionManagerException($"private transaction manager is of a version that does not know privacy flag "
                + $"{(int)privacy.Mode} ({privacy.Mode}) of a signed transaction: update it, or send with flag 0");
        var asked = _databases.Ask();
        var request = new SendSignedRequest
        {
            Hash = Wrap(hash.ToArray()),
            KnownSequence = asked.Row,
            PrivacyFlag = (PrivacyFlag)(int)privacy.Mode,
            ExecutionHash = ByteString.CopyFromUtf8(privacy.ExecutionHash),
        };
        request.RecipientKeys.AddRange(RecipientKeys.DecodeAll("privateFor", privateFor).Select(Wrap));
        request.AffectedTransactions.AddRange(privacy.Affected.Select(h => Wrap(h.ToArray())));
        request.MandatoryRecipients.AddRange(RecipientKeys.DecodeAll("mandatoryFor", privacy.MandatoryFor).Select(Wrap));
        var reply = await CallAsync(options => _client.SendSignedAsync(request, options), _timeouts.Send, cancellation)
            .ConfigureAwait(false);
        Saw(asked, reply.Database);
    }

    /// <inheritdoc/>
    public async Task<byte[]?> ReceiveStoredAsync(PayloadHash hash, CancellationToken cancellation)
    {
        try
        {
            var request = new ReceiveStoredRequest { Hash = Wrap(hash.ToArray()) };
            var reply = await _client.ReceiveStoredAsync(request, Options(_timeouts.Receive, cancellation)).ConfigureAwait(false);
            _isOlder = false;
            return reply.Payload.ToByteArray();
        }
        catch (RpcException e) when (e.StatusCode is StatusCode.NotFound or StatusCode.Unimplemented)
        {
            _isOlder = e.StatusCode == StatusCode.Unimplemented;
            return null;
        }
        catch (RpcException e) when (!cancellation.IsCancellationRequested)
        {
            throw new TransactionManagerException(Describe(e), e);
        }
    }

    /// <inheritdoc/>
    public async Task<IReadOnlyList<string>> MandatoryRecipientsAsync(PayloadHash hash, CancellationToken cancellation)
    {
        var request = new ReceiveRequest { MaxBytes = AnswerBytes };
        request.Hashes.Add(Wrap(hash.ToArray()));
        var reply = await CallAsync(options => _client.ReceiveAsync(request, options), _timeouts.Receive, cancellation)
            .ConfigureAwait(false);
        return reply.Answers is [{ Availability: Availability.Here } answer] && answer.Hash.Span.SequenceEqual(hash.Bytes)
            ? [.. answer.MandatoryRecipients.Select(key => Convert.ToBase64String(key.Span))]
            : throw new TransactionManagerException($"private transaction manager does not have payload {hash}");
    }

    /// <inheritdoc/>
    public async Task<bool> IsSenderAsync(PayloadHash hash, CancellationToken cancellation)
    {
        try
        {
            return (await OriginAsync(hash, cancellation).ConfigureAwait(false)).IsSender;
        }
        catch (TransactionManagerException e) when (e.InnerException is RpcException { StatusCode: StatusCode.NotFound })
        {
            return false;
        }
    }

    /// <inheritdoc/>
    public async Task<IReadOnlyList<string>> ParticipantsAsync(PayloadHash hash, CancellationToken cancellation) =>
        [.. (await OriginAsync(hash, cancellation).ConfigureAwait(false)).RecipientKeys.Select(Base64)];

    /// <inheritdoc/>
    public async Task<SealedPayload> SealAsync(byte[] payload, string? privateFrom, CancellationToken cancellation)
    {
        var request = new SealRequest { Payload = UnsafeByteOperations.UnsafeWrap(payload), SenderKey = Sender(privateFrom) };
        var locked = await CallAsync(options => _client.SealAsync(request, options), _timeouts.Receive, cancellation).ConfigureAwait(false);
        return new SealedPayload(Base64(locked.SenderKey), Base64(locked.CipherText), Base64(locked.CipherTextNonce),
            [.. locked.RecipientBoxes.Select(Base64)], Base64(locked.RecipientNonce), [.. locked.RecipientKeys.Select(Base64)]);
    }

    /// <inheritdoc/>
    public async Task<byte[]?> OpenAsync(SealedPayload payload, CancellationToken cancellation)
    {
        ArgumentNullException.ThrowIfNull(payload);
        var request = new Contracts.Privacy.SealedPayload
        {
            SenderKey = FromBase64(payload.SenderKey),
            CipherText = FromBase64(payload.CipherText),
            CipherTextNonce = FromBase64(payload.CipherTextNonce),
            RecipientNonce = FromBase64(payload.RecipientNonce),
        };
        request.RecipientBoxes.AddRange(payload.RecipientBoxes.Select(FromBase64));
        request.RecipientKeys.AddRange(payload.RecipientKeys.Select(FromBase64));
        try
        {
            var reply = await CallAsync(options => _client.OpenAsync(request, options), _timeouts.Receive, cancellation)
                .ConfigureAwait(false);
            return reply.Payload.ToByteArray();
        }
        catch (TransactionManagerException e)
            when (e.InnerException is RpcException { StatusCode: StatusCode.NotFound or StatusCode.InvalidArgument })
        {
            return null;
        }
    }

    /// <inheritdoc/>
    public async Task<IReadOnlyList<Answer>> ReceiveAsync(IReadOnlyList<PayloadHash> hashes, CancellationToken cancellation)
    {
        ArgumentNullException.ThrowIfNull(hashes);
        using var span = TransactionTraces.PayloadFetch(hashes.Count);
        var answers = new List<Answer>(hashes.Count);
        for (var isWhole = true; isWhole && answers.Count < hashes.Count && answers.Sum(a => (long)(a.Payload?.Length ?? 0)) < AnswerBytes;)
            isWhole = await ReceiveBatchAsync([.. hashes.Skip(answers.Count).Take(BatchSize)], answers, cancellation).ConfigureAwait(false);
        return answers;
    }

    /// <inheritdoc/>
    public async IAsyncEnumerable<AvailablePayload> WatchAsync(long afterSequence, [EnumeratorCancellation] CancellationToken cancellation)
    {
        var pause = FirstPause;
        while (true)
        {
            await CheckAsync(cancellation).ConfigureAwait(false);
            var asked = _databases.Ask();
            var request = new WatchRequest { AfterSequence = afterSequence, KnownSequence = asked.Row, WithPayloads = true };
            using (var call = _client.Watch(request, cancellationToken: cancellation))
                while (await NextAsync(call.ResponseStream, asked, cancellation).ConfigureAwait(false) is { } item)
                {
                    pause = FirstPause;
                    afterSequence = item.Sequence;
                    yield return item;
                }

            await Task.Delay(pause, cancellation).ConfigureAwait(false);
            pause = pause * 2 < LongestPause ? pause * 2 : LongestPause;
        }
    }

    /// <inheritdoc/>
    public async ValueTask<string?> CheckAsync(CancellationToken cancellation)
    {
        try
        {
            var asked = _databases.Ask();
            var request = new InfoRequest { KnownSequence = asked.Row };
            var reply = await CallAsync(options => _client.InfoAsync(request, options), _timeouts.Receive, cancellation)
                .ConfigureAwait(false);
            _sends.AtOnce = reply.SendsAtOnce;
            DatabaseSeen?.Invoke(_databases.Answer(asked, reply.Database));
            return null;
        }
        catch (TransactionManagerException e)
        {
            return e.Message;
        }
    }

    public void Dispose()
    {
        _sends.Dispose();
        _channel.Dispose();
    }

    /// <summary>The next event; null when the stream ended or broke, so that it is opened anew.</summary>
    private async Task<AvailablePayload?> NextAsync(IAsyncStreamReader<WatchEvent> stream, DatabaseSightings.Question asked,
        CancellationToken cancellation)
    {
        try
        {
            return await stream.MoveNext(cancellation).ConfigureAwait(false) && stream.Current.Hash.Length == PayloadHash.Size
                ? AvailableOf(stream.Current, _databases.Answer(asked, stream.Current.Database))
                : null;
        }
        catch (RpcException) when (!cancellation.IsCancellationRequested)
        {
            return null;
        }
        catch (RpcException)
        {
            throw new OperationCanceledException(cancellation);
        }
    }

    /// <returns>
    /// False when the answers are as many bytes as belong together; a manager of an older version refuses those, and is asked for
    /// half.
    /// </returns>
    private async Task<bool> ReceiveBatchAsync(PayloadHash[] hashes, List<Answer> answers, CancellationToken cancellation)
    {
        var asked = _databases.Ask();
        var request = new ReceiveRequest { MaxBytes = AnswerBytes, KnownSequence = asked.Row };
        request.Hashes.AddRange(hashes.Select(h => Wrap(h.ToArray())));
        try
        {
            var reply = await _client.ReceiveAsync(request, Options(_timeouts.Receive, cancellation)).ConfigureAwait(false);
            var database = _databases.Answer(asked, reply.Database);
            if (reply.Answers.Count == 0 || reply.Answers.Count > hashes.Length)
                answers.AddRange(hashes.Select(h => Answer.Unavailable(h, "the manager answered for another number of hashes")));
            else
                answers.AddRange(reply.Answers.Select((answer, i) => AnswerOf(hashes[i], answer) with { Database = database }));
            return reply.Answers.Count >= hashes.Length;
        }
        catch (RpcException e) when (e.StatusCode == StatusCode.ResourceExhausted && hashes.Length > 1)
        {
            return await ReceiveBatchAsync(hashes[..(hashes.Length / 2)], answers, cancellation).ConfigureAwait(false);
        }
        catch (RpcException e) when (!cancellation.IsCancellationRequested)
        {
            answers.AddRange(hashes.Select(h => Answer.Unavailable(h, Describe(e))));
            return true;
        }
        catch (RpcException)
        {
            throw new OperationCanceledException(cancellation);
        }
    }

    private Task<OriginReply> OriginAsync(PayloadHash hash, CancellationToken cancellation)
    {
        var request = new OriginRequest { Hash = Wrap(hash.ToArray()) };
        return CallAsync(options => _client.OriginAsync(request, options), _timeouts.Receive, cancellation);
    }

    private static string Base64(ByteString bytes) => Convert.ToBase64String(bytes.Span);

    private static ByteString FromBase64(string text) => Wrap(Convert.FromBase64String(text));

    private static AvailablePayload AvailableOf(WatchEvent told, ManagerDatabase? database)
    {
        var hash = Hash(told.Hash);
        var answer = told.Answer is { Availability: Availability.Here } here ? AnswerOf(hash, here) with { Database = database } : null;
        return new AvailablePayload(told.Sequence, hash, database, answer is { IsSettled: true } ? answer : null);
    }

    private ManagerDatabase? Saw(DatabaseSightings.Question asked, Database? told)
    {
        var database = _databases.Answer(asked, told);
        if (database is not null) DatabaseSeen?.Invoke(database);
        return database;
    }

    private static Answer AnswerOf(PayloadHash asked, Contracts.Privacy.PayloadAnswer answer)
    {
        // By hash, not by place: an answer that slipped by one would run another payload on the private state.
        if (!answer.Hash.Span.SequenceEqual(asked.Bytes))
            return Answer.Unavailable(asked, "the manager answered for another hash");
        return answer.Availability switch
        {
            Availability.Here => HereOf(asked, answer),
            Availability.NotAParty => Answer.NotAParty(asked),
            Availability.Missing => Answer.Missing(asked),
            // Whatever is not understood is never "not a party": that answer alone lets the node skip for good.
            _ => Answer.Unavailable(asked, "the manager cannot tell at the moment"),
        };
    }

    private static Answer HereOf(PayloadHash asked, Contracts.Privacy.PayloadAnswer answer)
    {
        if (!Enum.IsDefined((PrivacyMode)answer.PrivacyFlag) || answer.AffectedTransactions.Any(hash => hash.Length != PayloadHash.Size))
            return Answer.Unavailable(asked, "the manager answered with a privacy flag or an affected transaction that cannot be");
        return Answer.Here(asked, answer.Payload.ToByteArray()) with
        {
            PrivacyMode = (PrivacyMode)answer.PrivacyFlag,
            AffectedTransactions = answer.AffectedTransactions.Count == 0 ? [] : [.. answer.AffectedTransactions.Select(Hash)],
            ExecutionHash = answer.ExecutionHash.IsEmpty ? [] : answer.ExecutionHash.ToByteArray(),
            SenderKey = KeyOrNull(answer.SenderKey),
            ManagedParties = Keys(answer.ManagedParties),
        };
    }

    private static byte[]? KeyOrNull(ByteString key) => key.IsEmpty ? null : key.ToByteArray();

    private static byte[][] Keys(IReadOnlyList<ByteString> keys) => [.. keys.Select(key => key.ToByteArray())];

    private static Task<T> CallAsync<T>(Func<CallOptions, AsyncUnaryCall<T>> call, TimeSpan limit, CancellationToken cancellation) =>
        CallAsync(async options => await call(options).ConfigureAwait(false), limit, cancellation);

    private static async Task<T> CallAsync<T>(Func<CallOptions, Task<T>> call, TimeSpan limit, CancellationToken cancellation)
    {
        try
        {
            return await call(Options(limit, cancellation)).ConfigureAwait(false);
        }
        catch (RpcException e) when (!cancellation.IsCancellationRequested)
        {
            throw new TransactionManagerException(Describe(e), e);
        }
        catch (RpcException e)
        {
            throw new OperationCanceledException(e.Message, e, cancellation);
        }
    }

    private static CallOptions Options(TimeSpan limit, CancellationToken cancellation) =>
        new(deadline: DateTime.UtcNow + limit, cancellationToken: cancellation);

    private static string Describe(RpcException e) => e.StatusCode switch
    {
        StatusCode.Unavailable => "private transaction manager is not reachable: "
        + $"{(e.Status.DebugException is { } cause ? OutboundHandlers.Reason(cause) : e.Status.Detail)}",
        StatusCode.Unimplemented => "private transaction manager is of a version that does not know this call: update it",
        StatusCode.DeadlineExceeded => "private transaction manager did not answer in time",
        _ => e.Status.Detail,
    };

    private static ByteString Sender(string? privateFrom) =>
        string.IsNullOrEmpty(privateFrom) ? ByteString.Empty : Wrap(RecipientKeys.Decode("privateFrom", privateFrom));

    private static ByteString Wrap(byte[] bytes) => UnsafeByteOperations.UnsafeWrap(bytes);

    private static PayloadHash Hash(ByteString bytes) =>
        bytes.Length == PayloadHash.Size
            ? new PayloadHash(bytes.Span)
            : throw new TransactionManagerException(
                $"private transaction manager answered with a hash of {bytes.Length} bytes, not {PayloadHash.Size}");

    private static (Uri Url, string? SocketPath) ParseAddress(string address)
    {
        if (address.StartsWith("unix:", StringComparison.OrdinalIgnoreCase))
        {
            var path = address[5..];
            return path.Length > 0
                ? (new Uri("http://localhost"), Path.GetFullPath(path.StartsWith("//", StringComparison.Ordinal) ? path[2..] : path))
                : throw new FormatException($"'{address}' has no socket path after 'unix:'");
        }

        return Uri.TryCreate(address, UriKind.Absolute, out var url) && url.Scheme is "grpc" or "http" or "https" && url.Port > 0
            ? (new Uri($"{(url.Scheme == "https" ? "https" : "http")}://{url.Authority}"), null)
            : throw new FormatException($"'{address}' is neither unix:/path, grpc://host:port nor https://host:port");
    }
}
