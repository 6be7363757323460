using System.Text;
using CsCheck;
using QuorumMesh.Consensus.Raft;

namespace QuorumMesh.Consensus.Tests.Raft;

/// <summary>
/// Known answers worked by hand from raft.proto of etcd 3.3 and the rule of its generator: scalars always, bytes only when set.
/// </summary>
public class RaftWireTests
{
    private static string Hex(byte[] bytes) => Convert.ToHexStringLower(bytes);

    [Fact]
    public void Entry() => Assert.Equal("0800" + "1002" + "18ac02" + "2203616263",
        Hex(RaftWire.Encode(new RaftEntry(2, 300, RaftEntryType.Normal, Encoding.ASCII.GetBytes("abc")))));

    [Fact]
    public void Entry_without_data() => Assert.Equal("080010051801", Hex(RaftWire.Encode(new RaftEntry(5, 1, RaftEntryType.Normal, []))));

    [Fact]
    public void Hard_state() => Assert.Equal("080310021807", Hex(RaftWire.Encode(new RaftHardState(3, 2, 7))));

    [Fact]
    public void Membership_change() => Assert.Equal("0800" + "1003" + "1804" + "220109",
        Hex(RaftWire.Encode(new RaftConfChange(0, RaftConfChangeType.AddLearnerNode, 4, [9]))));

    [Fact]
    public void Snapshot() => Assert.Equal("0a02beef" + "120c" + "0a06" + "08010802" + "1003" + "1014" + "1805",
        Hex(RaftWire.Encode(new RaftSnapshot([0xbe, 0xef], new RaftConfState([1, 2], [3]), 20, 5))));

    [Fact]
    public void Heartbeat_carries_an_empty_snapshot() => Assert.Equal(
        "0808" + "1002" + "1801" + "2003" + "2800" + "3000" + "4006" + "4a08" + "1206" + "0a00" + "1000" + "1800" + "5000" + "5800",
        Hex(RaftWire.Encode(new RaftMessage { Type = RaftMessageType.Heartbeat, To = 2, From = 1, Term = 3, Commit = 6 })));

    [Fact]
    public void Append() => Assert.Equal(
        "0803" + "1002" + "1801" + "2003" + "2802" + "3004" + "3a09" + "080010031805" + "2201ff" + "4004" + "4a08" + "12060a0010001800"
            + "5000" + "5800",
        Hex(RaftWire.Encode(new RaftMessage
        {
            Type = RaftMessageType.App,
            To = 2,
            From = 1,
            Term = 3,
            LogTerm = 2,
            Index = 4,
            Commit = 4,
            Entries = [new RaftEntry(3, 5, RaftEntryType.Normal, [0xff])],
        })));

    [Fact]
    public void Rejection_and_context()
    {
        var bytes = RaftWire.Encode(
            new RaftMessage
            {
                Type = RaftMessageType.AppResp,
                To = 1,
                From = 65535,
                Term = 1,
                Index = 9,
                Reject = true,
                RejectHint = 200,
                Context = [1]
            });
        Assert.Equal("0804" + "1001" + "18ffff03" + "2001" + "2800" + "3009" + "4000" + "4a08" + "12060a0010001800" + "5001" + "58c801"
            + "620101", Hex(bytes));
    }

    [Fact]
    public void Unknown_fields_are_skipped_and_missing_ones_are_zero()
    {
        var message = RaftWire.DecodeMessage(
            Convert.FromHexString("0808" + "f80105" + "fa0102aaaa" + "fd0100000000" + "f9010000000000000000" + "1801"));
        Assert.Equal((RaftMessageType.Heartbeat, 1UL, 0UL), (message.Type, message.From, message.Term));
    }

    [Theory]
    [InlineData("08")] // ends inside
    [InlineData("0819")] // type 25
    [InlineData("0a01")] // type as bytes, cut
    [InlineData("3aff")] // length cut
    [InlineData("3a05" + "0800")] // longer than the rest
    [InlineData("10ffffffffffffffffff7f")] // more than 64 bits
    [InlineData("3a020809")] // entry of type 9
    [InlineData("0000")] // field 0
    [InlineData("0b")] // group
    public void Garbage_is_refused(string hex) =>
        Assert.Throws<RaftFormatException>(() => RaftWire.DecodeMessage(Convert.FromHexString(hex)));

    [Fact]
    public void Any_message_reads_back_as_written()
    {
        var entry = Gen.Select(Gen.ULong, Gen.ULong, Gen.Bool, Gen.Byte.Array[0, 40])
            .Select((t, i, c, d) => new RaftEntry(t, i, c ? RaftEntryType.ConfChange : RaftEntryType.Normal, d));
        var snapshot = Gen.Select(Gen.Byte.Array[0, 20], Gen.ULong.Array[0, 4], Gen.ULong.Array[0, 4],
            Gen.ULong[1, ulong.MaxValue], Gen.ULong)
            .Select((d, v, l, i, t) => new RaftSnapshot(d, new RaftConfState(v, l), i, t));
        var gen = Gen.Select(Gen.Int[0, 18], Gen.ULong.Array[8], entry.Array[0, 4], Gen.Null(snapshot), Gen.Bool,
            Gen.Null(Gen.Byte.Array[0, 9]));
        gen.Sample(x =>
        {
            var (type, n, entries, snap, reject, context) = x;
            var message = new RaftMessage
            {
                Type = (RaftMessageType)type,
                To = n[0],
                From = n[1],
                Term = n[2],
                LogTerm = n[3],
                Index = n[4],
                Commit = n[5],
                RejectHint = n[6],
                Entries = entries,
                Snapshot = snap,
                Reject = reject,
                Context = context,
            };
            var bytes = RaftWire.Encode(message);
            return bytes.Length == RaftWire.SizeOf(message) && bytes.AsSpan().SequenceEqual(RaftWire.Encode(RaftWire.DecodeMessage(bytes)));
        });
    }

    [Fact]
    public void Random_bytes_are_read_or_refused_and_nothing_else() => Gen.Byte.Array[0, 64].Sample(bytes =>
    {
        try
        {
            RaftWire.DecodeMessage(bytes);
        }
        catch (RaftFormatException)
        {
            // Refused with a reason.
        }
    });
}
