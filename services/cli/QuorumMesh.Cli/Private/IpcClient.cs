using System.Net.Sockets;
using System.Text;
using System.Text.Json;
using System.Text.Json.Nodes;

namespace QuorumMesh.Cli.Private;

/// <summary>One JSON-RPC 2.0 call to a running node over its IPC socket.</summary>
internal static class IpcClient
{
    private const int MaxAnswer = 16 << 20;

    /// <param name="socketPath">geth.ipc in the node's data directory, or what --ipcpath names.</param>
    /// <exception cref="CommandException">The node does not run, or answered with an error.</exception>
    public static async Task<JsonNode?> CallAsync(string socketPath, string method, CancellationToken cancel, params JsonNode?[] parameters)
    {
        var request = new JsonObject { ["jsonrpc"] = "2.0", ["id"] = 1, ["method"] = method, ["params"] = new JsonArray(parameters) };
        try
        {
            using var socket = new Socket(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);
            await socket.ConnectAsync(new UnixDomainSocketEndPoint(socketPath), cancel).ConfigureAwait(false);
            using var stream = new NetworkStream(socket);
            await stream.WriteAsync(Encoding.UTF8.GetBytes(request.ToJsonString() + "\n"), cancel).ConfigureAwait(false);
            var answer = await ReadAsync(stream, cancel).ConfigureAwait(false);
            return answer["error"] is { } error ? throw new CommandException($"{error["message"]}") : answer["result"];
        }
        catch (Exception e) when (e is SocketException or IOException or ArgumentOutOfRangeException)
        {
            throw new CommandException($"no running node answers at {socketPath} ({e.Message}): name its data directory with --datadir, "
                + "or the socket with --ipcpath");
        }
    }

    private static async Task<JsonNode> ReadAsync(Stream stream, CancellationToken cancel)
    {
        using var received = new MemoryStream();
        var buffer = new byte[8_192];
        while (received.Length < MaxAnswer)
        {
            var read = await stream.ReadAsync(buffer, cancel).ConfigureAwait(false);
            if (read == 0) throw new IOException("the node closed the connection");
            received.Write(buffer, 0, read);
            if (buffer[read - 1] is (byte)'}' or (byte)'\n' && TryParse(received) is { } answer) return answer;
        }
        throw new IOException("the answer is too large");
    }

    private static JsonNode? TryParse(MemoryStream received)
    {
        try
        {
            return JsonNode.Parse(received.GetBuffer().AsSpan(0, (int)received.Length));
        }
        catch (JsonException)
        {
            // Not all of it yet.
            return null;
        }
    }
}
