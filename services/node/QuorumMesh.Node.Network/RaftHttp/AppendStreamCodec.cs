using System.Buffers;
using System.Buffers.Binary;
using QuorumMesh.Consensus.Raft;

namespace QuorumMesh.Node.Network.RaftHttp;

/// <summary>/raft/stream/msgapp, etcd's msgappv2: 0 = link heartbeat; 1 ‖ u64 count ‖ (u64 length ‖ entry)* ‖ u64 commit =
/// entries that go on where
/// the last frame ended, in the same term; 2 ‖ u64 length ‖ whole message. Ours, for a member that asked for it: 3, as 1, and before
/// each entry a byte that is 1 where its data is a <see cref="CompactBlock"/>.</summary>
/// <param name="compact">Null for whole blocks.</param>
internal sealed class AppendStreamEncoder(CompactSender? compact = null) : IRaftStreamEncoder
{
    internal const byte LinkHeartbeat = 0, Entries = 1, Whole = 2, CompactEntries = 3;
    internal const byte IsWhole = 0, IsCompact = 1;
    private ulong _term, _index;

    public void Write(RaftMessage m, IBufferWriter<byte> output)
    {
        // The short form says neither term nor index: both sides must have the same place. Anything that does not go on there is
        // sent whole and sets it anew (etcd's msgappv2_codec.go).
        if (m.Index != _index || m.LogTerm != _term || m.LogTerm != m.Term)
        {
            WriteByte(output, Whole);
            MessageStreamEncoder.WriteFrame(m, output);
            _term = m.Term;
            _index = m.Entries.Count > 0 ? m.Entries[^1].Index : m.Index;
            return;
        }
        var shortened = compact is null ? [] : m.Entries.Select(compact.Shorten).ToArray();
        var isShortened = Array.Exists(shortened, static entry => entry is not null);
        WriteByte(output, isShortened ? CompactEntries : Entries);
        WriteWord(output, (ulong)m.Entries.Count);
        for (var i = 0; i < m.Entries.Count; i++)
        {
            var shorter = isShortened ? shortened[i] : null;
            if (isShortened) WriteByte(output, shorter is null ? IsWhole : IsCompact);
            WriteEntry(output, shorter ?? m.Entries[i]);
            _index++;
        }
        WriteWord(output, m.Commit);
    }

    private static void WriteEntry(IBufferWriter<byte> output, RaftEntry entry)
    {
        var size = RaftWire.SizeOf(entry);
        WriteWord(output, (ulong)size);
        RaftWire.Encode(entry, output.GetSpan(size)[..size]);
        output.Advance(size);
    }

    public void WriteLinkHeartbeat(IBufferWriter<byte> output) => WriteByte(output, LinkHeartbeat);

    private static void WriteByte(IBufferWriter<byte> output, byte value)
    {
        output.GetSpan(1)[0] = value;
        output.Advance(1);
    }

    private static void WriteWord(IBufferWriter<byte> output, ulong value)
    {
        BinaryPrimitives.WriteUInt64BigEndian(output.GetSpan(8), value);
        output.Advance(8);
    }
}

/// <param name="compact">Null where no compact blocks were asked for.</param>
internal sealed class AppendStreamDecoder(
    RaftFrameReader reader, ulong local, ulong remote, int maxSize, CompactReceiver? compact = null) : IRaftStreamDecoder
{
    private ulong _term, _index;

    public async ValueTask<RaftMessage?> ReadAsync(CancellationToken cancel)
    {
        switch (await reader.ByteAsync(cancel).ConfigureAwait(false))
        {
            case AppendStreamEncoder.LinkHeartbeat:
                return null;
            case AppendStreamEncoder.Entries:
                return await EntriesAsync(mayBeCompact: false, cancel).ConfigureAwait(false);
            case AppendStreamEncoder.CompactEntries when compact is not null:
                return await EntriesAsync(mayBeCompact: true, cancel).ConfigureAwait(false);
            case AppendStreamEncoder.Whole:
                var message = RaftWire.DecodeMessage(await reader.BodyAsync(cancel).ConfigureAwait(false));
                _term = message.Term;
                _index = message.Entries.Count > 0 ? message.Entries[^1].Index : message.Index;
                return message;
            case var other:
                throw new RaftFormatException($"frame type {other} in an append stream");
        }
    }

    private async ValueTask<RaftMessage> EntriesAsync(bool mayBeCompact, CancellationToken cancel)
    {
        var (previous, count) = (_index, await reader.UInt64Async(cancel).ConfigureAwait(false));
        if (count > RaftWire.MaxEntries) throw new RaftFormatException($"{count} entries in one append; at most {RaftWire.MaxEntries}");
        var entries = new List<RaftEntry>();
        long total = 0;
        for (ulong i = 0; i < count; i++)
        {
            var isCompact = mayBeCompact && await IsCompactAsync(cancel).ConfigureAwait(false);
            var entry = RaftWire.DecodeEntry(await reader.BodyAsync(cancel).ConfigureAwait(false));
            if (isCompact)
                entry = entry with { Data = await compact!.RebuildAsync(entry.Data, (int)(maxSize - total), cancel).ConfigureAwait(false) };
            if ((total += RaftWire.SizeOf(entry)) > maxSize) throw new RaftFormatException($"append of more than {maxSize} bytes");
            entries.Add(entry);
            _index++;
        }
        var commit = await reader.UInt64Async(cancel).ConfigureAwait(false);
        return new RaftMessage
        {
            Type = RaftMessageType.App,
            From = remote,
            To = local,
            Term = _term,
            LogTerm = _term,
            Index = previous,
            Entries = entries,
            Commit = commit,
        };
    }

    private async ValueTask<bool> IsCompactAsync(CancellationToken cancel) => await reader.ByteAsync(cancel).ConfigureAwait(false) switch
    {
        AppendStreamEncoder.IsWhole => false,
        AppendStreamEncoder.IsCompact => true,
        var other => throw new RaftFormatException($"form {other} of an entry in an append stream"),
    };
}
