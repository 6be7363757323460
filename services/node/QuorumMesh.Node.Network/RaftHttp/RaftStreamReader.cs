using System.Net;
using QuorumMesh.Consensus.Raft;

namespace QuorumMesh.Node.Network.RaftHttp;

/// <summary>Receiving half of a stream: asks the member for it by GET, again and again, and reads messages from the answer.</summary>
internal sealed class RaftStreamReader(
    RaftConnector connector, Uri peerUrl, string path, ulong peer, RaftTransportOptions options,
    Func<RaftFrameReader, IRaftStreamDecoder> newDecoder, RaftTransport.Events events, CompactReceiver? compact = null)
{
    public async Task RunAsync(CancellationToken stop)
    {
        while (!stop.IsCancellationRequested)
        {
            var (connected, isCompact, byChoice) = (false, false, false);
            try
            {
                using var request = new HttpRequestMessage(HttpMethod.Get, new Uri(peerUrl, path + RaftHttpHeaders.Id(options.Id)));
                RaftHttpHeaders.Fill(request, options, peer);
                isCompact = compact is { IsWanted: true };
                if (isCompact) request.Headers.TryAddWithoutValidation(RaftHttpHeaders.Compact, RaftHttpHeaders.CompactForm);
                using var timeout = CancellationTokenSource.CreateLinkedTokenSource(stop);
                timeout.CancelAfter(options.ReadTimeout);
                using var response = await connector.Http.SendAsync(request, HttpCompletionOption.ResponseHeadersRead, timeout.Token)
                    .ConfigureAwait(false);
                if (response.StatusCode == HttpStatusCode.Gone) events.RemovedFromCluster(peer);
                if (response.StatusCode == HttpStatusCode.OK)
                {
                    connected = true;
                    events.StreamOpened(peer, RaftHttpHeaders.AnnouncesPreVote(response));
                    using var counted = NetworkMetrics.PlainStream(connector.IsPlain);
                    await ReadAsync(response, isCompact, timeout).ConfigureAwait(false);
                    byChoice = true;
                }
            }
            catch (Exception) // whatever a bad answer causes, the member must be asked again
            {
                // Broken, silent for too long, or not raft. Or it brought a block that could not be made whole: that says nothing of the
                // member, and its streams tell when it is gone.
                byChoice = isCompact && compact is { IsWanted: false };
            }
            if (connected && !stop.IsCancellationRequested) events.StreamEnded(peer, byChoice);
            try
            {
                await Task.Delay(options.ReconnectDelay, stop).ConfigureAwait(false);
            }
            catch (OperationCanceledException)
            {
                return;
            }
        }
    }

    /// <summary>Until the stream breaks; one that is asked for whole only for a time ends after that.</summary>
    private async Task ReadAsync(HttpResponseMessage response, bool isCompact, CancellationTokenSource timeout)
    {
        await using var body = await response.Content.ReadAsStreamAsync(timeout.Token).ConfigureAwait(false);
        var decoder = newDecoder(new RaftFrameReader(body, options.MaxFrameSize));
        while (isCompact || compact is not { IsWanted: true })
        {
            timeout.CancelAfter(options.ReadTimeout);
            if (await decoder.ReadAsync(timeout.Token).ConfigureAwait(false) is { } message) events.Received(peer, message);
        }
    }
}
