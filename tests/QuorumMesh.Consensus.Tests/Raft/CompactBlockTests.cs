using CsCheck;
using QuorumMesh.Consensus.Raft;
using QuorumMesh.Primitives;

namespace QuorumMesh.Consensus.Tests.Raft;

public class CompactBlockTests
{
    private static readonly Predicate<Hash256> Everything = static _ => true;

    /// <summary>Consensus forms: a list, or a type and a list (EIP-2718).</summary>
    private static readonly Gen<byte[]> GenTransaction = Gen.Select(Gen.Byte.Array[0, 300], Gen.Byte[0, 4]).Select((content, type) =>
        type == 0 ? List(w => w.Write(content)) : [type, .. List(w => w.Write(content))]);

    private static readonly Gen<(byte[][] Transactions, bool[] Held)> GenBlock = GenTransaction.Array[0, 40].SelectMany(
        transactions => Gen.Bool.Array[transactions.Length].Select(held => (transactions, held)));

    private static byte[] List(Action<RlpWriter> content)
    {
        var writer = new RlpWriter();
        var mark = writer.BeginList();
        content(writer);
        writer.EndList(mark);
        return writer.ToArray();
    }

    private static byte[] Items(IEnumerable<byte[]> transactions) => List(w =>
    {
        foreach (var transaction in transactions)
        {
            if (transaction[0] >= 0xc0) w.WriteRaw(transaction);
            else w.Write(transaction);
        }
    });

    private static byte[] Header { get; } = List(w => w.Write(new byte[500]));

    private static byte[] Block(params byte[][] transactions) => List(w =>
    {
        w.WriteRaw(Header);
        w.WriteRaw(Items(transactions));
        w.WriteEmptyList();
    });

    private static ReadOnlyMemory<byte>[] Of(IEnumerable<byte[]> transactions) =>
        [.. transactions.Select(t => (ReadOnlyMemory<byte>)t)];

    private static byte[] Transaction(int seed) => List(w => w.Write(Keccak.Hash(BitConverter.GetBytes(seed)).Bytes.ToArray()
        .Concat(new byte[100]).ToArray()));

    [Fact]
    public void The_form_is_digest_header_and_items_in_their_order()
    {
        byte[] legacy = List(w => w.Write((byte[])[.. "a legacy transaction"u8, .. new byte[100]]));
        byte[] typed = [2, .. List(w => w.Write("a typed one that its receiver does not hold"u8))];
        var block = Block(legacy, typed);
        var form = BlockOutline.Of(block).Compact(hash => hash == Keccak.Hash(legacy), out var named);
        Assert.Equal(1, named);
        Assert.Equal(List(w =>
        {
            w.Write(Keccak.Hash(block));
            w.WriteRaw(Header);
            var items = w.BeginList();
            w.Write(Keccak.Hash(legacy));
            w.Write(typed);
            w.EndList(items);
        }), form);
        Assert.Equal([Keccak.Hash(legacy)], CompactBlock.Decode(form).Named);
    }

    [Fact]
    public void What_is_left_out_comes_back_byte_for_byte() => GenBlock.Sample(sample =>
    {
        var (transactions, held) = sample;
        var data = Block(transactions);
        var heldHashes = transactions.Where((_, i) => held[i]).Select(t => Keccak.Hash(t)).ToHashSet();
        var outline = BlockOutline.Of(data);
        // One of 32 bytes would be read as a hash.
        Assert.Equal(transactions.Any(t => t[0] < 0xc0 && t.Length == Hash256.Size) ? 0 : transactions.Length, outline.Count);
        if (outline.Compact(heldHashes.Contains, out var named) is not { } form) return;
        Assert.True(form.Length < data.Length);
        var block = CompactBlock.Decode(form);
        Assert.Equal(named, block.Named.Count);
        var byHash = transactions.DistinctBy(t => Keccak.Hash(t)).ToDictionary(t => Keccak.Hash(t));
        Assert.Equal(data, block.Rebuild(Of(block.Named.Select(hash => byHash[hash])), data.Length));
    }, iter: 500);

    /// <summary>Whatever a member sends: the block that its digest names, or an error that ends the stream.</summary>
    [Fact]
    public void A_form_that_was_tampered_with_is_refused_or_gives_the_same_block()
    {
        byte[][] transactions = [Transaction(1), [1, .. Transaction(2)], Transaction(3), Transaction(4)];
        var data = Block(transactions);
        var byHash = transactions.ToDictionary(t => Keccak.Hash(t));
        var form = BlockOutline.Of(data).Compact(Everything, out _)!;
        var genChange = Gen.Select(Gen.Int[0, form.Length - 1], Gen.Byte, Gen.Int[0, form.Length]);
        var (rebuilt, refused) = (0, 0);
        Gen.Select(genChange, genChange, Gen.Bool).Sample((first, second, isCut) =>
        {
            var changed = form.ToArray();
            changed[first.Item1] = first.Item2;
            changed[second.Item1] = second.Item2;
            try
            {
                var block = CompactBlock.Decode(isCut ? changed.AsMemory(0, first.Item3) : changed);
                Assert.InRange(block.Named.Count, 0, form.Length / 33);
                var found = block.Named.Select(hash => byHash.GetValueOrDefault(hash, [0xc0]));
                Assert.Equal(data, block.Rebuild(Of(found), data.Length));
                Interlocked.Increment(ref rebuilt);
            }
            catch (FormatException)
            {
                Interlocked.Increment(ref refused);
            }
        }, iter: 4_000);
        Assert.True(refused > rebuilt);
    }

    [Fact]
    public void Random_bytes_are_no_compact_block_and_no_outline() => Gen.Byte.Array[0, 200].Sample(bytes =>
    {
        Assert.Null(BlockOutline.Of(bytes).Compact(Everything, out _));
        try
        {
            var block = CompactBlock.Decode(bytes);
            Assert.Throws<RaftFormatException>(() => block.Rebuild(Of(block.Named.Select(_ => new byte[] { 0xc0 })), 1_000));
        }
        catch (RlpException)
        {
            // What nearly all of them are.
        }
    }, iter: 4_000);

    [Fact]
    public void Another_transaction_than_the_one_left_out_gives_no_block()
    {
        var data = Block(Transaction(1), Transaction(2));
        var block = CompactBlock.Decode(BlockOutline.Of(data).Compact(Everything, out _)!);
        foreach (var wrong in new[] { Transaction(3), [], [1], [0x80], Transaction(2)[..^1] })
            Assert.Throws<RaftFormatException>(() => block.Rebuild(Of([Transaction(1), wrong]), 1 << 20));
        Assert.Throws<RaftFormatException>(() => block.Rebuild(Of([Transaction(2), Transaction(1)]), 1 << 20));
        Assert.Throws<ArgumentException>(() => block.Rebuild(Of([Transaction(1)]), 1 << 20));
        Assert.Equal(data, block.Rebuild(Of([Transaction(1), Transaction(2)]), data.Length));
    }

    [Fact]
    public void Nothing_that_is_longer_than_allowed_is_put_together()
    {
        var large = List(w => w.Write(new byte[1 << 20]));
        var form = List(w =>
        {
            w.Write(Hash256.Zero);
            w.WriteRaw(Header);
            w.WriteRaw(List(items =>
            {
                for (var i = 0; i < 10_000; i++) items.Write(Keccak.Hash(large));
            }));
        });
        var block = CompactBlock.Decode(form);
        var before = GC.GetAllocatedBytesForCurrentThread();
        var refusal = Assert.Throws<RaftFormatException>(
            () => block.Rebuild([.. Enumerable.Repeat((ReadOnlyMemory<byte>)large, 10_000)], 128 << 20));
        Assert.Contains("at most", refusal.Message);
        Assert.InRange(GC.GetAllocatedBytesForCurrentThread() - before, 0, 4 << 20);
    }

    [Fact]
    public void Nothing_is_gained_where_little_is_held()
    {
        var outline = BlockOutline.Of(Block(Transaction(1), Transaction(2)));
        Assert.Null(outline.Compact(static _ => false, out var named));
        Assert.Equal(0, named);
        // Digest and hash are longer than the transaction.
        Assert.Null(BlockOutline.Of(Block(List(w => w.Write(1UL)))).Compact(Everything, out _));
    }

    [Fact]
    public void What_is_no_block_of_header_and_transactions_goes_as_it_is()
    {
        var transaction = Transaction(1);
        byte[][] others =
        [
            [], [0xc0], [0x80], new byte[8], Transaction(1), Header,
            [.. Block(transaction), 0],
            List(w => { w.WriteRaw(Header); w.WriteRaw(Items([transaction])); }),
            List(w => { w.WriteRaw(Header); w.WriteRaw(Items([transaction])); w.WriteRaw(Items([transaction])); }), // uncles
            List(w => { w.WriteRaw(Header); w.WriteRaw(Items([transaction])); w.WriteEmptyList(); w.WriteEmptyList(); }),
            List(w => { w.Write("header"u8); w.WriteRaw(Items([transaction])); w.WriteEmptyList(); }),
            // Would be read as a hash.
            List(w => { w.WriteRaw(Header); w.WriteRaw(List(i => i.Write(new byte[32]))); w.WriteEmptyList(); }),
            // Not canonical: put together anew it would be other bytes.
            [0xf8, 0x04, .. Header[..1], 0xc1, 0x01, 0xc0],
            RaftWire.Encode(new RaftConfChange(1, RaftConfChangeType.AddNode, 4, transaction)),
        ];
        foreach (var data in others)
        {
            Assert.Equal(0, BlockOutline.Of(data).Count);
            Assert.Null(BlockOutline.Of(data).Compact(Everything, out _));
        }
    }

    [Fact]
    public void Questions_and_answers_come_back_as_they_went()
    {
        Hash256[] hashes = [Keccak.Hash("a"u8), Keccak.Hash("b"u8)];
        var question = RaftTransactionsWire.EncodeQuestion(hashes);
        Assert.Equal(64, question.Length);
        Assert.Equal(hashes, RaftTransactionsWire.DecodeQuestion(question));
        byte[][] transactions = [Transaction(1), [1, .. Transaction(2)], [5]];
        var answer = RaftTransactionsWire.EncodeAnswer(Of(transactions));
        Assert.Equal(transactions, RaftTransactionsWire.DecodeAnswer(answer, 3).Select(t => t.ToArray()));
        Assert.Equal("c105", Convert.ToHexStringLower(RaftTransactionsWire.EncodeAnswer(Of([[5]]))));
        foreach (var count in new[] { 0, 2, 4 })
            Assert.ThrowsAny<FormatException>(() => RaftTransactionsWire.DecodeAnswer(answer, count));
        Assert.ThrowsAny<FormatException>(() => RaftTransactionsWire.DecodeAnswer(answer.AsMemory(0, answer.Length - 1), 3));
        Assert.ThrowsAny<FormatException>(() => RaftTransactionsWire.DecodeAnswer("no list"u8.ToArray(), 1));
        foreach (var length in new[] { 0, 31, 33 })
            Assert.Throws<RaftFormatException>(() => RaftTransactionsWire.DecodeQuestion(new byte[length]));
    }
}
