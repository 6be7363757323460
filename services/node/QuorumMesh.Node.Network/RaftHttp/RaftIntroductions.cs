using System.Net;
using QuorumMesh.Consensus.Raft;

namespace QuorumMesh.Node.Network.RaftHttp;

/// <summary>
/// Asks known members for their membership when a sender is not known here. However many strangers knock, one round runs at a
/// time and a pause lies between two; a round takes in whomever the known members name, so that a flood of made-up ids does not
/// keep a real one out.
/// </summary>
internal sealed class RaftIntroductions(
    RaftTransportOptions options, Func<IReadOnlyList<RaftHttpPeer>> known, Action<RaftAddress> introduce) : IDisposable
{
    private const int MaxAnswer = 16 << 20;
    private readonly CancellationTokenSource _stop = new();
    private int _busy;

    public void Ask()
    {
        if (Interlocked.Exchange(ref _busy, 1) == 0) _ = Task.Run(RoundAsync);
    }

    public void Dispose() => _stop.Cancel();

    private async Task RoundAsync()
    {
        try
        {
            await Task.WhenAll(known().Select(AskAsync)).ConfigureAwait(false);
            await Task.Delay(options.IntroductionPause, _stop.Token).ConfigureAwait(false);
        }
        catch (OperationCanceledException)
        {
            // The transport is closing.
        }
        finally
        {
            Volatile.Write(ref _busy, 0);
        }
    }

    private async Task AskAsync(RaftHttpPeer member)
    {
        try
        {
            using var timeout = CancellationTokenSource.CreateLinkedTokenSource(_stop.Token);
            timeout.CancelAfter(options.ReadTimeout);
            using var request = new HttpRequestMessage(HttpMethod.Get, new Uri(member.Url, RaftHttpHeaders.Members));
            RaftHttpHeaders.Fill(request, options, null);
            using var response = await member.Http.SendAsync(request, HttpCompletionOption.ResponseHeadersRead, timeout.Token)
                .ConfigureAwait(false);
            if (response.StatusCode != HttpStatusCode.OK
                || response.Content.Headers.ContentLength is not (> 0 and <= MaxAnswer and var length)) return;
            await using var body = await response.Content.ReadAsStreamAsync(timeout.Token).ConfigureAwait(false);
            var answer = new byte[(int)length];
            await body.ReadExactlyAsync(answer, timeout.Token).ConfigureAwait(false);
            foreach (var address in RaftSnapshotData.Decode(answer).Addresses) introduce(address);
        }
        catch (Exception e) when (e is HttpRequestException or IOException or FormatException or OperationCanceledException
            or ObjectDisposedException)
        {
            // A GoQuorum knows no such path, and a member may be dropped meanwhile; another may answer.
        }
    }
}
