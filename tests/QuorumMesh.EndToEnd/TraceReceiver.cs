using System.Collections.Concurrent;
using System.Net;
using Google.Protobuf;

namespace QuorumMesh.EndToEnd;

/// <summary>
/// A span as it came in. Ids are in hex; <paramref name="Parent"/> is empty for a root. <paramref name="Instance"/> is the
/// process that sent it.
/// </summary>
public sealed record ReceivedSpan(string Service, string Instance, string Source, string Trace, string Id, string Parent, string Name,
    IReadOnlyList<string> Links);

/// <summary>Takes traces by OTLP over HTTP (POST /v1/traces, protobuf) and keeps them in memory.</summary>
public sealed class TraceReceiver : IAsyncDisposable
{
    private readonly HttpListener _listener = new();
    private readonly ConcurrentQueue<ReceivedSpan> _spans = new();
    private readonly Task _loop;

    public TraceReceiver(int port)
    {
        Url = $"http://127.0.0.1:{port}";
        _listener.Prefixes.Add(Url + "/");
        _listener.Start();
        _loop = Task.Run(ReceiveAsync);
    }

    public string Url { get; }

    public IReadOnlyList<ReceivedSpan> Spans => [.. _spans];

    public async ValueTask DisposeAsync()
    {
        _listener.Stop();
        await _loop.ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        _listener.Close();
    }

    private async Task ReceiveAsync()
    {
        while (_listener.IsListening)
        {
            var context = await _listener.GetContextAsync();
            using var body = new MemoryStream();
            await context.Request.InputStream.CopyToAsync(body);
            if (context.Request.Url!.AbsolutePath == "/v1/traces")
                foreach (var resource in Fields(body.ToArray(), 1))
                    Read(resource);
            context.Response.ContentType = "application/x-protobuf";
            context.Response.Close();
        }
    }

    /// <summary>ResourceSpans: resource = 1 (attributes = 1), scope_spans = 2 (scope = 1, spans = 2).</summary>
    private void Read(byte[] resource)
    {
        var attributes = Fields(resource, 1).SelectMany(r => Fields(r, 1))
            .ToDictionary(a => Text(a, 1), a => Fields(a, 2).Select(v => Text(v, 1)).FirstOrDefault() ?? "");
        foreach (var scope in Fields(resource, 2))
        {
            var source = Fields(scope, 1).Select(s => Text(s, 1)).FirstOrDefault() ?? "";
            foreach (var span in Fields(scope, 2))
                _spans.Enqueue(new ReceivedSpan(attributes["service.name"], attributes["service.instance.id"], source,
                    Id(span, 1), Id(span, 2), Id(span, 4), Text(span, 5), [.. Fields(span, 13).Select(l => Id(l, 1))]));
        }
    }

    private static string Id(byte[] message, int field) => Convert.ToHexString(Fields(message, field).FirstOrDefault() ?? []);

    private static string Text(byte[] message, int field) =>
        System.Text.Encoding.UTF8.GetString(Fields(message, field).FirstOrDefault() ?? []);

    /// <summary>The length-delimited fields of one number.</summary>
    private static IEnumerable<byte[]> Fields(byte[] message, int field)
    {
        var input = new CodedInputStream(message);
        var found = new List<byte[]>();
        for (var tag = input.ReadTag(); tag != 0; tag = input.ReadTag())
        {
            if (WireFormat.GetTagFieldNumber(tag) == field && WireFormat.GetTagWireType(tag) == WireFormat.WireType.LengthDelimited)
                found.Add(input.ReadBytes().ToByteArray());
            else input.SkipLastField();
        }
        return found;
    }
}
