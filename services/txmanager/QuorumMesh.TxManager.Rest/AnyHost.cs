using System.Buffers;
using System.IO.Pipelines;
using System.Text;
using Microsoft.AspNetCore.Connections;
using Microsoft.AspNetCore.Connections.Features;

namespace QuorumMesh.TxManager.Rest;

/// <summary>
/// Takes any Host header on a local socket, and none: quorum-js and web3js-quorum send the socket's path, which Kestrel answers with 400. A
/// head whose Host Kestrel would refuse is passed on with <c>localhost</c>, and its connection ends after the answer, so that the next head
/// is a first one again; others pass untouched.
/// </summary>
public static class AnyHost
{
    /// <summary>Longer heads are left to Kestrel, which refuses them.</summary>
    private const int MaxHead = 32 * 1024;

    /// <summary>As long as Kestrel waits for a request; then it is left to Kestrel.</summary>
    private static readonly TimeSpan Longest = TimeSpan.FromSeconds(60);

    /// <summary>A connection middleware for HTTP/1.</summary>
    public static ConnectionDelegate Use(ConnectionDelegate next) => async connection =>
    {
        var transport = connection.Transport;
        var stopping = connection.Features.Get<IConnectionLifetimeNotificationFeature>()?.ConnectionClosedRequested ?? default;
        if (await TakeRefusedHeadAsync(transport.Input, connection.ConnectionClosed, stopping).ConfigureAwait(false) is not { } head)
        {
            await next(connection).ConfigureAwait(false);
            return;
        }

        var input = new Pipe(new PipeOptions(useSynchronizationContext: false));
        await input.Writer.WriteAsync(Encoding.Latin1.GetBytes(head)).ConfigureAwait(false);
        var copy = CopyAsync(transport.Input, input.Writer);
        connection.Transport = new Duplex(input.Reader, transport.Output);
        try
        {
            await next(connection).ConfigureAwait(false);
        }
        finally
        {
            await input.Reader.CompleteAsync().ConfigureAwait(false);
            transport.Input.CancelPendingRead();
            await copy.ConfigureAwait(false);
            connection.Transport = transport;
        }
    };

    /// <returns>The first head, mended and taken from the input; null when it is one for Kestrel as it stands: then nothing is
    /// taken.</returns>
    private static async Task<string?> TakeRefusedHeadAsync(PipeReader reader, CancellationToken closed, CancellationToken stopping)
    {
        using var limit = CancellationTokenSource.CreateLinkedTokenSource(closed, stopping);
        limit.CancelAfter(Longest);
        long examined = 0;
        try
        {
            while (true)
            {
                var read = await reader.ReadAsync(limit.Token).ConfigureAwait(false);
                var buffer = read.Buffer;
                var end = EndOfHead(buffer);
                var mended = end is { } length ? Mended(Encoding.Latin1.GetString(buffer.Slice(0, length))) : null;
                if (mended is not null)
                {
                    reader.AdvanceTo(buffer.GetPosition(end!.Value));
                    return mended;
                }

                if (end is not null || read.IsCompleted || read.IsCanceled || buffer.Length > MaxHead)
                {
                    // Not examined to its end, so that Kestrel sees it at once.
                    reader.AdvanceTo(buffer.Start, buffer.GetPosition(examined));
                    return null;
                }

                examined = buffer.Length;
                reader.AdvanceTo(buffer.Start, buffer.End);
            }
        }
        catch (Exception e) when (e is OperationCanceledException or IOException)
        {
            return null;
        }
    }

    private static long? EndOfHead(ReadOnlySequence<byte> buffer)
    {
        var reader = new SequenceReader<byte>(buffer);
        return reader.TryReadTo(out ReadOnlySequence<byte> _, "\r\n\r\n"u8) ? reader.Consumed : null;
    }

    /// <returns>Null when the head is one that Kestrel takes, or that is no HTTP/1.1 at all.</returns>
    private static string? Mended(string head)
    {
        var lines = head[..^4].Split("\r\n");
        string[] hosts = [.. lines.Skip(1).Where(IsHost)];
        if (!lines[0].EndsWith(" HTTP/1.1", StringComparison.Ordinal) || (hosts.Length == 1 && IsPlain(hosts[0][5..].Trim())))
            return null;
        string[] others = [.. lines.Skip(1).Where(l => !IsHost(l) && !l.StartsWith("Connection:", StringComparison.OrdinalIgnoreCase))];
        return string.Join("\r\n", [lines[0], "Host: localhost", "Connection: close", .. others]) + "\r\n\r\n";
    }

    private static bool IsHost(string line) => line.StartsWith("Host:", StringComparison.OrdinalIgnoreCase);

    /// <summary>A name or IPv4 address with or without a port: what needs no second look.</summary>
    private static bool IsPlain(string host)
    {
        var parts = host.Split(':');
        return parts.Length <= 2
            && parts[0].All(c => char.IsAsciiLetterOrDigit(c) || c is '.' or '-' or '_')
            && (parts.Length == 1 || (parts[0].Length > 0 && parts[1].Length is > 0 and <= 5 && parts[1].All(char.IsAsciiDigit)));
    }

    private static async Task CopyAsync(PipeReader from, PipeWriter to)
    {
        try
        {
            await from.CopyToAsync(to).ConfigureAwait(false);
            await to.CompleteAsync().ConfigureAwait(false);
        }
        catch (Exception e)
        {
            // The connection broke, or the server has done with it: it hears the one as the end of its input, and does not read on in the
            // other case.
            await to.CompleteAsync(e).ConfigureAwait(false);
        }
    }

    private sealed record Duplex(PipeReader Input, PipeWriter Output) : IDuplexPipe;
}
