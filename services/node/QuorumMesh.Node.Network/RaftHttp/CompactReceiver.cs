using System.Net;
using QuorumMesh.Consensus.Raft;
using QuorumMesh.Primitives;

namespace QuorumMesh.Node.Network.RaftHttp;

/// <summary>
/// Makes the blocks of one member whole again. What this node lacks may be under way to it, so it waits a moment, and asks the member
/// for the rest, once. A block that cannot be made whole costs the stream, and for a time the member is asked for whole ones.
/// </summary>
internal sealed class CompactReceiver(RaftTransactions transactions, RaftConnector connector, Uri member, RaftTransportOptions options)
{
    private static readonly TimeSpan LookAgain = TimeSpan.FromMilliseconds(2);

    private long _wholeUntil = long.MinValue;

    /// <summary>Whether blocks are to come without what this node holds.</summary>
    public bool IsWanted => Environment.TickCount64 >= Volatile.Read(ref _wholeUntil);

    /// <param name="most">Bytes that the block may have.</param>
    /// <exception cref="FormatException">It is no compact block, or the member does not have what it has left out.</exception>
    /// <exception cref="HttpRequestException">The member could not be asked.</exception>
    public async ValueTask<byte[]> RebuildAsync(byte[] form, int most, CancellationToken cancel)
    {
        try
        {
            var block = CompactBlock.Decode(form);
            return block.Rebuild(await GatherAsync(block.Named, cancel).ConfigureAwait(false), most);
        }
        catch
        {
            NetworkMetrics.RaftBlocksNotRebuilt.Add(1);
            Volatile.Write(ref _wholeUntil, Environment.TickCount64 + (long)options.WholeTime.TotalMilliseconds);
            throw;
        }
    }

    private async Task<ReadOnlyMemory<byte>[]> GatherAsync(IReadOnlyList<Hash256> named, CancellationToken cancel)
    {
        var found = transactions.Find(named);
        for (var end = Environment.TickCount64 + (long)options.CompactPatience.TotalMilliseconds;
            Array.Exists(found, static raw => raw.IsEmpty) && Environment.TickCount64 < end; found = transactions.Find(named))
            await Task.Delay(LookAgain, cancel).ConfigureAwait(false);
        int[] lacking = [.. Enumerable.Range(0, found.Length).Where(i => found[i].IsEmpty)];
        if (lacking.Length == 0) return found;
        NetworkMetrics.RaftTransactionsAsked.Add(lacking.Length);
        var answer = await AskAsync(Array.ConvertAll(lacking, i => named[i]), cancel).ConfigureAwait(false);
        for (var i = 0; i < lacking.Length; i++) found[lacking[i]] = answer[i];
        return found;
    }

    private async Task<ReadOnlyMemory<byte>[]> AskAsync(Hash256[] hashes, CancellationToken cancel)
    {
        if (hashes.Length * Hash256.Size > options.MaxPostSize)
            throw new RaftFormatException($"{hashes.Length} transactions of one block are lacking: too many to ask for");
        using var request = new HttpRequestMessage(HttpMethod.Post, new Uri(member, RaftHttpHeaders.Transactions))
        {
            Content = new ByteArrayContent(RaftTransactionsWire.EncodeQuestion(hashes)),
        };
        RaftHttpHeaders.Fill(request, options, null);
        using var response = await connector.Http.SendAsync(request, HttpCompletionOption.ResponseHeadersRead, cancel)
            .ConfigureAwait(false);
        if (response.StatusCode != HttpStatusCode.OK || response.Content.Headers.ContentLength is not { } length)
            throw new RaftFormatException($"asked for {hashes.Length} transactions of its block, the member answers {response.StatusCode}");
        if (length > options.MaxFrameSize)
            throw new RaftFormatException($"the member answers with {length} bytes; at most {options.MaxFrameSize}");
        var body = await response.Content.ReadAsStreamAsync(cancel).ConfigureAwait(false);
        await using var owned = body.ConfigureAwait(false);
        return RaftTransactionsWire.DecodeAnswer(
            await new RaftFrameReader(body, options.MaxFrameSize).BytesAsync((int)length, cancel).ConfigureAwait(false), hashes.Length);
    }
}
