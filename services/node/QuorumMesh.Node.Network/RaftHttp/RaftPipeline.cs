using System.Net;
using System.Net.Http.Headers;
using System.Threading.Channels;
using QuorumMesh.Consensus.Raft;

namespace QuorumMesh.Node.Network.RaftHttp;

/// <summary>
/// POST /raft, one message each: for snapshots, and for everything while no stream is up. A few requests run side by side.
/// </summary>
internal sealed class RaftPipeline(HttpClient http, Uri peerUrl, ulong peer, RaftTransportOptions options, RaftTransport.Events events)
{
    private const int Parallel = 4; // as etcd
    private static readonly TimeSpan PostTimeout = TimeSpan.FromSeconds(30);
    private readonly Channel<RaftMessage> _queue = Channel.CreateBounded<RaftMessage>(options.PipelineQueue);

    public bool TrySend(RaftMessage message) => _queue.Writer.TryWrite(message);

    public Task RunAsync(CancellationToken stop) => Task.WhenAll(Enumerable.Range(0, Parallel).Select(_ => WorkAsync(stop)));

    private async Task WorkAsync(CancellationToken stop)
    {
        try
        {
            await foreach (var message in _queue.Reader.ReadAllAsync(stop).ConfigureAwait(false))
            {
                var ok = await PostAsync(message, stop).ConfigureAwait(false);
                if (stop.IsCancellationRequested) return;
                if (!ok) events.Unreachable(peer);
                if (message.Type == RaftMessageType.Snap) events.SnapshotSent(peer, ok);
            }
        }
        catch (OperationCanceledException)
        {
            // The member was removed or the transport is closing.
        }
    }

    private async Task<bool> PostAsync(RaftMessage message, CancellationToken stop)
    {
        try
        {
            using var timeout = CancellationTokenSource.CreateLinkedTokenSource(stop);
            timeout.CancelAfter(PostTimeout);
            using var request = new HttpRequestMessage(HttpMethod.Post,
                new Uri(peerUrl, RaftHttpHeaders.Prefix))
            { Content = new ByteArrayContent(RaftWire.Encode(message)) };
            request.Content.Headers.ContentType = new MediaTypeHeaderValue("application/protobuf");
            RaftHttpHeaders.Fill(request, options, null);
            using var response = await http.SendAsync(request, timeout.Token).ConfigureAwait(false);
            if (response.StatusCode == HttpStatusCode.Forbidden) events.RemovedFromCluster(peer);
            return response.StatusCode == HttpStatusCode.NoContent;
        }
        catch (Exception e) when (e is HttpRequestException or IOException or OperationCanceledException)
        {
            return false;
        }
    }
}
