using System.Diagnostics;
using System.Text.Json;
using QuorumMesh.Node.Runtime.Ports;

namespace QuorumMesh.Node.Network.RaftHttp;

/// <summary>etcd's health check (rafthttp/probing_status.go): <c>{"OK":true,"Now":"…"}</c> from <c>/raft/probing</c>.</summary>
internal static class RaftProber
{
    /// <summary>The true answer has 60 bytes; a stranger's is read no further.</summary>
    private const int MaxAnswer = 512;

    public static async Task<RaftProbe?> AskAsync(HttpClient http, Uri member, CancellationToken cancellation)
    {
        try
        {
            var began = Stopwatch.GetTimestamp();
            using var response = await http.GetAsync(new Uri(member, RaftHttpHeaders.Probing), HttpCompletionOption.ResponseHeadersRead,
                cancellation).ConfigureAwait(false);
            if (!response.IsSuccessStatusCode) return null;
            var answer = await ReadAsync(response, cancellation).ConfigureAwait(false);
            var roundTrip = Stopwatch.GetElapsedTime(began);
            // It looked at its clock half-way.
            return new RaftProbe(roundTrip, TimeOf(answer) is { } now ? now - (DateTimeOffset.UtcNow - (roundTrip / 2)) : null);
        }
        catch (Exception e) when (e is HttpRequestException or IOException or OperationCanceledException or ObjectDisposedException)
        {
            return null;
        }
    }

    private static async Task<byte[]> ReadAsync(HttpResponseMessage response, CancellationToken cancellation)
    {
        var stream = await response.Content.ReadAsStreamAsync(cancellation).ConfigureAwait(false);
        await using var owned = stream.ConfigureAwait(false);
        var buffer = new byte[MaxAnswer];
        var length = await stream.ReadAtLeastAsync(buffer, MaxAnswer, throwOnEndOfStream: false, cancellation).ConfigureAwait(false);
        return buffer[..length];
    }

    private static DateTimeOffset? TimeOf(byte[] answer)
    {
        try
        {
            var reader = new Utf8JsonReader(answer);
            while (reader.Read())
            {
                if (reader.TokenType != JsonTokenType.PropertyName) continue;
                // Ours writes it small; Go reads names whatever their case is.
                if (!reader.ValueTextEquals("Now"u8) && !reader.ValueTextEquals("now"u8)) continue;
                return reader.Read() && reader.TokenType == JsonTokenType.String && reader.TryGetDateTimeOffset(out var now) ? now : null;
            }
        }
        catch (JsonException)
        {
            // No time that could be told.
        }
        return null;
    }
}
