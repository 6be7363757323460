using System.Runtime.CompilerServices;
using Google.Protobuf;
using Grpc.Core;
using Grpc.Net.Client;
using QuorumMesh.Contracts.Privacy;
using QuorumMesh.Node.Runtime;
using QuorumMesh.Node.Runtime.Ports;
using QuorumMesh.Primitives;
using Answer = QuorumMesh.Node.Runtime.Ports.PayloadAnswer;

namespace QuorumMesh.Node.Privacy;

/// <summary>Our own manager, by gRPC over a Unix socket or TCP.</summary>
public sealed class GrpcTransactionManager : ITransactionManager, IManagerProbe, IDisposable
{
    private const int MaxMessage = 16 * 1024 * 1024;

    /// <summary>Payloads are mostly small; a batch whose answer is too large is halved.</summary>
    private const int BatchSize = 64;

    private static readonly TimeSpan FirstPause = TimeSpan.FromMilliseconds(100);
    private static readonly TimeSpan LongestPause = TimeSpan.FromSeconds(5);

    private readonly GrpcChannel _channel;
    private readonly PrivacyManager.PrivacyManagerClient _client;
    private readonly ManagerTimeouts _timeouts;

    /// <param name="address"><c>unix:/path</c> or <c>grpc://host:port</c>.</param>
    /// <exception cref="FormatException">Neither.</exception>
    public GrpcTransactionManager(string address, ManagerTimeouts? timeouts = null)
    {
        _timeouts = timeouts ?? ManagerTimeouts.Default;
        var (url, socketPath) = ParseAddress(address);
        _channel = GrpcChannel.ForAddress(url, new GrpcChannelOptions
        {
            HttpHandler = ManagerHandlers.Create(socketPath, _timeouts),
            DisposeHttpClient = true,
            MaxReceiveMessageSize = MaxMessage,
            MaxSendMessageSize = MaxMessage,
        });
        _client = new PrivacyManager.PrivacyManagerClient(_channel);
    }

    public bool Enabled => true;

    public async Task<PayloadHash> SendAsync(SendArguments arguments, CancellationToken cancellation)
    {
        ArgumentNullException.ThrowIfNull(arguments);
        var request = new SendRequest { Payload = UnsafeByteOperations.UnsafeWrap(arguments.Payload), SenderKey = Sender(arguments.PrivateFrom) };
        request.RecipientKeys.AddRange(RecipientKeys.DecodeAll("privateFor", arguments.PrivateFor).Select(Wrap));
        var reply = await CallAsync(options => _client.SendAsync(request, options), _timeouts.Send, cancellation).ConfigureAwait(false);
        return Hash(reply.Hash);
    }

    public async Task<PayloadHash> StoreRawAsync(byte[] payload, string? privateFrom, CancellationToken cancellation)
    {
        var request = new StoreRequest { Payload = UnsafeByteOperations.UnsafeWrap(payload), SenderKey = Sender(privateFrom) };
        var reply = await CallAsync(options => _client.StoreAsync(request, options), _timeouts.Receive, cancellation).ConfigureAwait(false);
        return Hash(reply.Hash);
    }

    public async Task SendSignedAsync(PayloadHash hash, IReadOnlyList<string> privateFor, CancellationToken cancellation)
    {
        var request = new SendSignedRequest { Hash = Wrap(hash.ToArray()) };
        request.RecipientKeys.AddRange(RecipientKeys.DecodeAll("privateFor", privateFor).Select(Wrap));
        await CallAsync(options => _client.SendSignedAsync(request, options), _timeouts.Send, cancellation).ConfigureAwait(false);
    }

    public async Task<IReadOnlyList<Answer>> ReceiveAsync(IReadOnlyList<PayloadHash> hashes, CancellationToken cancellation)
    {
        ArgumentNullException.ThrowIfNull(hashes);
        var answers = new List<Answer>(hashes.Count);
        for (var start = 0; start < hashes.Count; start += BatchSize)
            await ReceiveBatchAsync([.. hashes.Skip(start).Take(BatchSize)], answers, cancellation).ConfigureAwait(false);
        return answers;
    }

    public async IAsyncEnumerable<AvailablePayload> WatchAsync(long afterSequence, [EnumeratorCancellation] CancellationToken cancellation)
    {
        var pause = FirstPause;
        while (true)
        {
            using (var call = _client.Watch(new WatchRequest { AfterSequence = afterSequence }, cancellationToken: cancellation))
                while (await NextAsync(call.ResponseStream, cancellation).ConfigureAwait(false) is { } item)
                {
                    pause = FirstPause;
                    afterSequence = item.Sequence;
                    yield return item;
                }

            await Task.Delay(pause, cancellation).ConfigureAwait(false);
            pause = pause * 2 < LongestPause ? pause * 2 : LongestPause;
        }
    }

    public async ValueTask<string?> CheckAsync(CancellationToken cancellation)
    {
        try
        {
            await CallAsync(options => _client.InfoAsync(new InfoRequest(), options), _timeouts.Receive, cancellation).ConfigureAwait(false);
            return null;
        }
        catch (TransactionManagerException e)
        {
            return e.Message;
        }
    }

    public void Dispose() => _channel.Dispose();

    /// <summary>The next event; null when the stream ended or broke, so that it is opened anew.</summary>
    private static async Task<AvailablePayload?> NextAsync(IAsyncStreamReader<WatchEvent> stream, CancellationToken cancellation)
    {
        try
        {
            return await stream.MoveNext(cancellation).ConfigureAwait(false) && stream.Current.Hash.Length == PayloadHash.Size
                ? new AvailablePayload(stream.Current.Sequence, Hash(stream.Current.Hash))
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

    private async Task ReceiveBatchAsync(PayloadHash[] hashes, List<Answer> answers, CancellationToken cancellation)
    {
        var request = new ReceiveRequest();
        request.Hashes.AddRange(hashes.Select(h => Wrap(h.ToArray())));
        try
        {
            var reply = await _client.ReceiveAsync(request, Options(_timeouts.Receive, cancellation)).ConfigureAwait(false);
            for (var i = 0; i < hashes.Length; i++)
                answers.Add(reply.Answers.Count == hashes.Length ? AnswerOf(hashes[i], reply.Answers[i]) : Unavailable(hashes[i], "the manager answered for another number of hashes"));
        }
        catch (RpcException e) when (e.StatusCode == StatusCode.ResourceExhausted && hashes.Length > 1)
        {
            await ReceiveBatchAsync(hashes[..(hashes.Length / 2)], answers, cancellation).ConfigureAwait(false);
            await ReceiveBatchAsync(hashes[(hashes.Length / 2)..], answers, cancellation).ConfigureAwait(false);
        }
        catch (RpcException e) when (!cancellation.IsCancellationRequested)
        {
            answers.AddRange(hashes.Select(h => Unavailable(h, Describe(e))));
        }
        catch (RpcException)
        {
            throw new OperationCanceledException(cancellation);
        }
    }

    private static Answer AnswerOf(PayloadHash asked, Contracts.Privacy.PayloadAnswer answer)
    {
        if (!answer.Hash.Span.SequenceEqual(asked.Bytes))
            return Unavailable(asked, "the manager answered for another hash");
        var parties = answer.ManagedParties.Select(p => p.ToByteArray()).ToArray();
        var sender = answer.SenderKey.IsEmpty ? null : answer.SenderKey.ToByteArray();
        return answer.Availability switch
        {
            Availability.Here => new Answer(asked, PayloadAvailability.Here, answer.Payload.ToByteArray(), null, parties, sender),
            Availability.NotAParty => new Answer(asked, PayloadAvailability.NotAParty, null, "this participant is not a party", parties, sender),
            Availability.Missing => new Answer(asked, PayloadAvailability.Missing, null, "the manager is a party but has lost the payload", parties, sender),
            _ => Unavailable(asked, "the manager cannot tell at the moment"),
        };
    }

    private static Answer Unavailable(PayloadHash hash, string reason) => new(hash, PayloadAvailability.Unavailable, null, reason, [], null);

    private static async Task<T> CallAsync<T>(Func<CallOptions, AsyncUnaryCall<T>> call, TimeSpan limit, CancellationToken cancellation)
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
        StatusCode.Unavailable => $"private transaction manager is not reachable: {(e.Status.DebugException is { } cause ? ManagerHandlers.Reason(cause) : e.Status.Detail)}",
        StatusCode.DeadlineExceeded => "private transaction manager did not answer in time",
        _ => e.Status.Detail,
    };

    private static ByteString Sender(string? privateFrom) =>
        string.IsNullOrEmpty(privateFrom) ? ByteString.Empty : Wrap(RecipientKeys.Decode("privateFrom", privateFrom));

    private static ByteString Wrap(byte[] bytes) => UnsafeByteOperations.UnsafeWrap(bytes);

    private static PayloadHash Hash(ByteString bytes) =>
        bytes.Length == PayloadHash.Size
            ? new PayloadHash(bytes.Span)
            : throw new TransactionManagerException($"private transaction manager answered with a hash of {bytes.Length} bytes, not {PayloadHash.Size}");

    private static (Uri Url, string? SocketPath) ParseAddress(string address)
    {
        if (address.StartsWith("unix:", StringComparison.OrdinalIgnoreCase))
        {
            var path = address[5..];
            return path.Length > 0
                ? (new Uri("http://localhost"), Path.GetFullPath(path.StartsWith("//", StringComparison.Ordinal) ? path[2..] : path))
                : throw new FormatException($"'{address}' has no socket path after 'unix:'");
        }

        return Uri.TryCreate(address, UriKind.Absolute, out var url) && url.Scheme is "grpc" or "http" && url.Port > 0
            ? (new Uri($"http://{url.Authority}"), null)
            : throw new FormatException($"'{address}' is neither unix:/path nor grpc://host:port");
    }
}
