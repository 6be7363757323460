using System.Buffers;
using QuorumMesh.Consensus.Raft;
using QuorumMesh.Node.Network.RaftHttp;

namespace QuorumMesh.Node.Network.Tests.RaftHttp;

public class StreamCodecTests
{
    private static RaftMessage Append(ulong index, ulong logTerm, ulong term, ulong commit, params RaftEntry[] entries) => new()
    {
        Type = RaftMessageType.App,
        From = 1,
        To = 2,
        Term = term,
        LogTerm = logTerm,
        Index = index,
        Commit = commit,
        Entries = entries,
    };

    private static RaftEntry Entry(ulong term, ulong index, byte data) => new(term, index, RaftEntryType.Normal, [data]);

    private static AppendStreamDecoder Decoder(byte[] bytes, int max = 1 << 20) =>
        new(new RaftFrameReader(new MemoryStream(bytes), max), 2, 1, max);

    [Fact]
    public void Append_stream_sends_whole_messages_first_and_then_only_entries()
    {
        var output = new ArrayBufferWriter<byte>();
        var encoder = new AppendStreamEncoder();
        encoder.Write(Append(5, 2, 3, 5, Entry(3, 6, 0xaa)), output);
        var whole = output.WrittenCount;
        encoder.Write(Append(6, 3, 3, 6, Entry(3, 7, 0xbb)), output);
        encoder.WriteLinkHeartbeat(output);
        var bytes = output.WrittenSpan.ToArray();
        Assert.Equal(2, bytes[0]);
        // 01, one entry, of 9 bytes: type 0, term 3, index 7, data bb; commit 6; then the heartbeat.
        Assert.Equal("01" + "0000000000000001" + "0000000000000009" + "080010031807" + "2201bb" + "0000000000000006" + "00",
            Convert.ToHexStringLower(bytes.AsSpan(whole)));
    }

    [Fact]
    public async Task Append_stream_reads_back_what_was_written()
    {
        var sent = new[]
        {
            Append(5, 2, 3, 5, Entry(3, 6, 1)), Append(6, 3, 3, 6, Entry(3, 7, 2), Entry(3, 8, 3)), Append(8, 3, 3, 8),
            Append(8, 3, 4, 8, Entry(4, 9, 4)),
            Append(9, 4, 4, 9, Entry(4, 10, 5)), Append(6, 3, 4, 9, Entry(3, 7, 2)),
        };
        var output = new ArrayBufferWriter<byte>();
        var encoder = new AppendStreamEncoder();
        foreach (var m in sent) encoder.Write(m, output);
        var decoder = Decoder(output.WrittenSpan.ToArray());
        foreach (var m in sent)
        {
            var read = await decoder.ReadAsync(default);
            Assert.Equal(m.ToString(), read!.ToString());
            Assert.Equal(m.Entries.Select(e => (e.Index, e.Term, e.Data[0])), read.Entries.Select(e => (e.Index, e.Term, e.Data[0])));
        }
        await Assert.ThrowsAsync<EndOfStreamException>(async () => await decoder.ReadAsync(default));
    }

    [Theory]
    [InlineData("07")] // no such frame
    [InlineData("02ffffffffffffffff")] // length past the bound
    [InlineData("01ffffffffffffffff")] // count past the bound
    [InlineData("01000000000000000100000000000000020801")] // entry cut short by its own field
    [InlineData("020000000000000001ff")] // not protobuf
    public async Task Append_stream_refuses_garbage(string hex) =>
        await Assert.ThrowsAnyAsync<Exception>(async () => await Decoder(Convert.FromHexString(hex)).ReadAsync(default));

    [Fact]
    public async Task Message_stream_is_length_and_message_and_the_link_heartbeat_has_no_members()
    {
        var output = new ArrayBufferWriter<byte>();
        var encoder = new MessageStreamEncoder();
        encoder.WriteLinkHeartbeat(output);
        // etcd: linkHeartbeatMessage = Message{Type: MsgHeartbeat}
        Assert.Equal("000000000000001c" + "0808100018002000280030004000" + "4a08" + "12060a0010001800" + "5000" + "5800",
            Convert.ToHexStringLower(output.WrittenSpan));
        var vote = new RaftMessage { Type = RaftMessageType.Vote, From = 3, To = 2, Term = 9, Index = 4, LogTerm = 8 };
        encoder.Write(vote, output);
        var decoder = new MessageStreamDecoder(new RaftFrameReader(new MemoryStream(output.WrittenSpan.ToArray()), 1000));
        Assert.Null(await decoder.ReadAsync(default));
        Assert.Equal(vote.ToString(), (await decoder.ReadAsync(default))!.ToString());
    }
}
