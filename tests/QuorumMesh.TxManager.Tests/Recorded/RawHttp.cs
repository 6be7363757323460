using System.Globalization;
using System.Net.Sockets;
using System.Text;

namespace QuorumMesh.TxManager.Tests.Recorded;

/// <summary>
/// HTTP/1.1 as it was recorded, byte by byte: a client of the framework would join repeated headers, and refuse to send some of them.
/// </summary>
internal static class RawHttp
{
    private static readonly string[] Framing = ["Host", "Connection", "Content-Length", "Transfer-Encoding"];

    public static async Task<RecordedAnswer> SendAsync(int port, RecordedRequest request, CancellationToken cancel)
    {
        using var socket = new TcpClient();
        await socket.ConnectAsync("127.0.0.1", port, cancel);
        var stream = socket.GetStream();
        var head = new StringBuilder().Append(CultureInfo.InvariantCulture, $"{request.Method} {request.Path} HTTP/1.1\r\n")
            .Append(CultureInfo.InvariantCulture, $"Host: 127.0.0.1:{port}\r\nConnection: close\r\n");
        foreach (var (name, value) in request.Headers.Where(h => !Framing.Contains(h.Name, StringComparer.OrdinalIgnoreCase)))
            head.Append(CultureInfo.InvariantCulture, $"{name}: {value}\r\n");
        if (request.Body.Length > 0 || request.Method == "POST")
            head.Append(CultureInfo.InvariantCulture, $"Content-Length: {request.Body.Length}\r\n");
        await stream.WriteAsync(Encoding.Latin1.GetBytes(head.Append("\r\n").ToString()), cancel);
        await stream.WriteAsync(request.Body, cancel);
        using var answer = new MemoryStream();
        await stream.CopyToAsync(answer, cancel);
        return Parse(answer.ToArray());
    }

    private static RecordedAnswer Parse(byte[] bytes)
    {
        var end = bytes.AsSpan().IndexOf("\r\n\r\n"u8);
        Assert.True(end > 0, "an answer has a head");
        var lines = Encoding.Latin1.GetString(bytes, 0, end).Split("\r\n");
        var status = lines[0].Split(' ', 3);
        (string Name, string Value)[] headers = [.. lines.Skip(1).Select(l => l.Split(':', 2)).Select(p => (p[0], p[1].Trim()))];
        var body = bytes[(end + 4)..];
        if (headers.Any(h => h.Name.Equals("Transfer-Encoding", StringComparison.OrdinalIgnoreCase)))
            body = Unchunk(body);
        return new RecordedAnswer(int.Parse(status[1], CultureInfo.InvariantCulture), status.ElementAtOrDefault(2) ?? "", headers, body);
    }

    private static byte[] Unchunk(ReadOnlySpan<byte> body)
    {
        var whole = new List<byte>();
        while (true)
        {
            var line = body.IndexOf("\r\n"u8);
            var size = int.Parse(Encoding.ASCII.GetString(body[..line]), NumberStyles.HexNumber, CultureInfo.InvariantCulture);
            if (size == 0)
                return [.. whole];
            whole.AddRange(body.Slice(line + 2, size));
            body = body[(line + 2 + size + 2)..];
        }
    }
}
