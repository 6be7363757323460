using System.Buffers.Binary;
using System.Net;
using System.Net.Http.Headers;
using System.Net.Sockets;

namespace QuorumMesh.Tests.Shared;

/// <summary>
/// gRPC clients that begin a message and do not end it, or ask and do not read. Each call is of a connection of its own or shares
/// one.
/// </summary>
internal sealed class StalledCalls(EndPoint server, int connections) : IAsyncDisposable
{
    private readonly CancellationTokenSource _end = new();
    private readonly List<HttpMessageInvoker> _connections = [.. Enumerable.Range(0, connections).Select(_ => Connect(server))];
    private readonly List<Task<(int Status, string? Text)>> _half = [];
    private readonly List<HttpResponseMessage> _unread = [];

    /// <summary>Statuses of the calls that were refused, and their texts.</summary>
    public IReadOnlyList<(int Status, string? Text)> Refused => [.. _half.Where(c => c.IsCompletedSuccessfully).Select(c => c.Result)];

    /// <summary>Calls that ended in any way.</summary>
    public int Ended => _half.Count(c => c.IsCompleted);

    /// <summary>
    /// On every connection so many calls, each of a message of <paramref name="announced"/> bytes of which
    /// <paramref name="sent"/> are sent.
    /// </summary>
    public void SendHalf(string method, int callsEach, int announced, int sent)
    {
        var begun = new byte[5 + sent];
        BinaryPrimitives.WriteInt32BigEndian(begun.AsSpan(1), announced);
        foreach (var connection in _connections)
            for (var i = 0; i < callsEach; i++)
                _half.Add(CallAsync(connection, method, new HalfMessage(begun, _end.Token)));
    }

    /// <summary>One call whose answer is not read; comes back when the answer has begun.</summary>
    public async Task AskAsync(string method, byte[] message)
    {
        var framed = new byte[5 + message.Length];
        BinaryPrimitives.WriteInt32BigEndian(framed.AsSpan(1), message.Length);
        message.CopyTo(framed, 5);
        var connection = _connections[_unread.Count % _connections.Count];
        _unread.Add(await connection.SendAsync(Request(method, new ByteArrayContent(framed)), _end.Token));
    }

    /// <summary>Bytes of one unread answer that can be read after all; it ends early when the server gave it up.</summary>
    public async Task<(long Read, bool IsWhole)> ReadAsync(int at)
    {
        var stream = await _unread[at].Content.ReadAsStreamAsync(_end.Token);
        var (read, buffer) = (0L, new byte[64 * 1024]);
        try
        {
            for (int more; (more = await stream.ReadAsync(buffer, _end.Token)) > 0;) read += more;
            return (read, true);
        }
        catch (Exception e) when (e is HttpRequestException or IOException)
        {
            return (read, false);
        }
    }

    public async ValueTask DisposeAsync()
    {
        await _end.CancelAsync();
        foreach (var answer in _unread) answer.Dispose();
        foreach (var connection in _connections) connection.Dispose();
        foreach (var call in _half) await ((Task)call).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        _end.Dispose();
    }

    private static HttpMessageInvoker Connect(EndPoint server) => new(new SocketsHttpHandler
    {
        UseProxy = false,
        ConnectCallback = async (_, stop) =>
        {
            var socket = server is UnixDomainSocketEndPoint
                ? new Socket(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified)
                    : new Socket(SocketType.Stream, ProtocolType.Tcp);
            await socket.ConnectAsync(server, stop);
            return new NetworkStream(socket, ownsSocket: true);
        },
    });

    private static HttpRequestMessage Request(string method, HttpContent content)
    {
        content.Headers.ContentType = new MediaTypeHeaderValue("application/grpc");
        return new HttpRequestMessage(HttpMethod.Post, "http://localhost/" + method)
        {
            Version = HttpVersion.Version20,
            VersionPolicy = HttpVersionPolicy.RequestVersionExact,
            Content = content,
            Headers = { TE = { new TransferCodingWithQualityHeaderValue("trailers") } },
        };
    }

    /// <summary>The status comes in the trailers, or beside the headers when there is no message.</summary>
    private async Task<(int Status, string? Text)> CallAsync(HttpMessageInvoker connection, string method, HttpContent content)
    {
        using var answer = await connection.SendAsync(Request(method, content), _end.Token);
        await answer.Content.CopyToAsync(Stream.Null, _end.Token);
        var headers = answer.Headers.Contains("grpc-status") ? answer.Headers : answer.TrailingHeaders;
        var text = headers.TryGetValues("grpc-message", out var values) ? Uri.UnescapeDataString(values.First()) : null;
        return (int.Parse(headers.GetValues("grpc-status").First(), System.Globalization.CultureInfo.InvariantCulture), text);
    }

    private sealed class HalfMessage(byte[] begun, CancellationToken end) : HttpContent
    {
        protected override async Task SerializeToStreamAsync(Stream stream, TransportContext? context)
        {
            await stream.WriteAsync(begun, end);
            await stream.FlushAsync(end);
            await Task.Delay(Timeout.Infinite, end);
        }

        protected override bool TryComputeLength(out long length)
        {
            length = 0;
            return false;
        }
    }
}
