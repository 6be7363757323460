using System.Numerics;
using System.Text;
using CsCheck;

namespace QuorumMesh.Primitives.Tests;

public class RlpTests
{
    private static byte[] Encode(Action<RlpWriter> write)
    {
        RlpWriter writer = new();
        write(writer);
        return writer.ToArray();
    }

    private static Gen<byte> OneOfBytes(params byte[] choices) => Gen.Int[0, choices.Length - 1].Select(i => choices[i]);

    [Fact]
    public void Every_kind_of_value_round_trips()
    {
        Address address = Address.Parse("0xed9d02e382b34818e88b88a309c7fe71e65f419d");
        Hash256 hash = Hash256.EmptyTrie;
        byte[] encoded = Encode(w =>
        {
            int list = w.BeginList();
            w.Write(0UL);
            w.Write(ulong.MaxValue);
            w.Write(127U);
            w.Write(128);
            w.Write(UInt256.MaxValue);
            w.Write(true);
            w.Write(false);
            w.Write(address);
            w.Write((Address?)null);
            w.Write((Address?)address);
            w.Write(hash);
            w.WriteString("dog");
            w.WriteEmptyList();
            w.WriteRaw([0xc1, 0x05]);
            w.EndList(list);
        });
        RlpReader.Validate(encoded);
        RlpReader whole = new(encoded);
        Assert.True(whole.IsList);
        RlpReader reader = whole.ReadList();
        Assert.True(whole.End);
        whole.ExpectEnd();
        Assert.Equal(14, reader.CountItems());
        Assert.Equal(0UL, reader.ReadUInt64());
        Assert.Equal(ulong.MaxValue, reader.ReadUInt64());
        Assert.Equal(127U, reader.ReadUInt32());
        Assert.Equal(128, reader.ReadInt32());
        Assert.Equal(UInt256.MaxValue, reader.ReadUInt256());
        Assert.True(reader.ReadBool());
        Assert.False(reader.ReadBool());
        Assert.Equal(address, reader.ReadAddress());
        Assert.Null(reader.ReadOptionalAddress());
        Assert.Equal(address, reader.ReadOptionalAddress());
        Assert.Equal(hash, reader.ReadHash256());
        Assert.False(reader.IsList);
        Assert.Equal("dog", Encoding.ASCII.GetString(reader.ReadBytes(3)));
        Assert.True(reader.ReadList().End);
        Assert.Equal([0xc1, 0x05], reader.ReadRaw().ToArray());
        Assert.True(reader.End);
        Assert.False(reader.IsList);
    }

    [Fact]
    public void Integers_round_trip() =>
        Gen.ULong.Select(Gen.Int[0, 63], Gen.Int[0, 255]).Sample((value, shift, wideShift) =>
        {
            ulong number = value >> shift;
            UInt256 wide = new UInt256(value, ~value, value, ~value) >> wideShift;
            byte[] encoded = Encode(w => { w.Write(number); w.Write(wide); });
            RlpReader reader = new(encoded);
            Assert.Equal(number, reader.ReadUInt64());
            Assert.Equal(wide, reader.ReadUInt256());
            reader.ExpectEnd();
        });

    [Theory]
    [InlineData(0)]
    [InlineData(1)]
    [InlineData(55)]
    [InlineData(56)]
    [InlineData(255)]
    [InlineData(256)]
    [InlineData(65535)]
    [InlineData(65536)]
    [InlineData(1 << 24)]
    public void Lengths_at_the_edges_round_trip(int length)
    {
        byte[] data = new byte[length];
        Array.Fill(data, (byte)0xaa);
        byte[] encoded = Encode(w => { int list = w.BeginList(); w.Write(data); w.EndList(list); });
        RlpReader.Validate(encoded);
        RlpReader reader = new RlpReader(encoded).ReadList();
        Assert.True(reader.ReadBytes().SequenceEqual(data));
        Assert.Equal(encoded.Length, reader.Position);
    }

    [Fact]
    public void Garbage_throws_nothing_but_RLP_exception() =>
        Gen.OneOf(Gen.Byte.Array[0, 40],
            OneOfBytes(0x00, 0x01, 0x80, 0x81, 0xb7, 0xb8, 0xbf, 0xc0, 0xc1, 0xc2, 0xf7, 0xf8, 0xf9, 0xff).Array[0, 24])
            .Sample(data =>
            {
                bool valid = Tries(data, static d => RlpReader.Validate(d));
                bool walked = Tries(data, static d =>
                {
                    RlpReader reader = new(d);
                    Walk(ref reader);
                });
                if (valid) Assert.True(walked);
                Tries(data, static d => new RlpReader(d).ReadUInt64());
                Tries(data, static d => new RlpReader(d).ReadUInt32());
                Tries(data, static d => new RlpReader(d).ReadInt32());
                Tries(data, static d => new RlpReader(d).ReadUInt256());
                Tries(data, static d => new RlpReader(d).ReadBool());
                Tries(data, static d => new RlpReader(d).ReadAddress());
                Tries(data, static d => new RlpReader(d).ReadOptionalAddress());
                Tries(data, static d => new RlpReader(d).ReadHash256());
                Tries(data, static d => new RlpReader(d).ReadBytes(3));
                Tries(data, static d => new RlpReader(d).ReadRaw());
                Tries(data, static d => new RlpReader(d).CountItems());
                Tries(data, static d => new RlpReader(d).ExpectEnd());
            }, iter: 10_000);

    private static bool Tries(byte[] data, Action<byte[]> action)
    {
        try
        {
            action(data);
            return true;
        }
        catch (RlpException e)
        {
            Assert.InRange(e.Position, 0, data.Length);
            Assert.NotEmpty(e.Reason);
            return false;
        }
    }

    private static void Walk(ref RlpReader reader)
    {
        while (!reader.End)
        {
            if (reader.IsList)
            {
                RlpReader inner = reader.ReadList();
                Walk(ref inner);
            }
            else
            {
                reader.ReadBytes();
            }
        }
    }

    [Fact]
    public void What_is_read_is_written_back_the_same() =>
        OneOfBytes(0x00, 0x01, 0x7f, 0x80, 0x81, 0x82, 0xc0, 0xc1, 0xc2, 0xc3, 0xc4).Array[1, 8].Sample(data =>
        {
            if (!Tries(data, static d => RlpReader.Validate(d))) return;
            RlpWriter writer = new();
            RlpReader reader = new(data);
            Copy(ref reader, writer);
            Assert.Equal(data, writer.ToArray());
        }, iter: 50_000);

    private static void Copy(ref RlpReader reader, RlpWriter writer)
    {
        while (!reader.End)
        {
            if (reader.IsList)
            {
                RlpReader inner = reader.ReadList();
                int list = writer.BeginList();
                Copy(ref inner, writer);
                writer.EndList(list);
            }
            else
            {
                writer.Write(reader.ReadBytes());
            }
        }
    }

    private static byte[] Nested(int depth) => Encode(w =>
    {
        int[] marks = new int[depth];
        for (int i = 0; i < depth; i++) marks[i] = w.BeginList();
        for (int i = depth - 1; i >= 0; i--) w.EndList(marks[i]);
    });

    [Fact]
    public void Deep_nesting_is_refused()
    {
        RlpReader.Validate(Nested(RlpReader.MaxDepth));
        RlpException e = Assert.Throws<RlpException>(() => RlpReader.Validate(Nested(RlpReader.MaxDepth + 1)));
        Assert.Contains("nested", e.Message);
        Assert.Throws<RlpException>(() => RlpReader.Validate(Nested(100_000)));
        RlpReader.Validate(Nested(3), maxDepth: 3);
        Assert.Throws<RlpException>(() => RlpReader.Validate(Nested(4), maxDepth: 3));
        Descend(Nested(RlpReader.MaxDepth));
        Assert.Throws<RlpException>(() => Descend(Nested(RlpReader.MaxDepth + 1)));
    }

    private static void Descend(byte[] data)
    {
        RlpReader reader = new(data);
        while (!reader.End) reader = reader.ReadList();
    }

    [Theory]
    [InlineData("8100", 0, "single byte")]
    [InlineData("c28101", 1, "single byte")]
    [InlineData("c3820000c0", 4, "too many")]
    [InlineData("b90000", 0, "leading zeros")]
    [InlineData("b837", 0, "short form")]
    [InlineData("b8", 0, "cut off")]
    [InlineData("", 0, "missing")]
    [InlineData("c2c180", 2, null)]
    [InlineData("c1c1", 1, "longer than")]
    [InlineData("bfffffffffffffffff", 0, "longer than")]
    public void Errors_say_where_and_why(string hex, int position, string? reason)
    {
        byte[] data = Hex.FromHex(hex);
        if (reason is null)
        {
            RlpReader.Validate(data);
            return;
        }

        RlpException e = Assert.Throws<RlpException>(() => RlpReader.Validate(data));
        Assert.Equal(position, e.Position);
        Assert.Contains(reason, e.Reason);
    }

    [Theory]
    [InlineData("820001")]
    [InlineData("00")]
    [InlineData("89010000000000000000")]
    [InlineData("c0")]
    public void Numbers_that_are_not_canonical_are_refused(string hex)
    {
        byte[] data = Hex.FromHex(hex);
        Assert.Throws<RlpException>(() => new RlpReader(data).ReadUInt64());
        Assert.Throws<RlpException>(() => new RlpReader(data).ReadUInt32());
    }

    [Fact]
    public void A_reader_stays_where_it_was_after_an_error()
    {
        byte[] data = Hex.FromHex("84ffffffffc0");
        RlpReader reader = new(data);
        foreach (int attempt in new[] { 0, 1, 2, 3 })
        {
            try
            {
                switch (attempt)
                {
                    case 0: reader.ReadInt32(); break;
                    case 1: reader.ReadBool(); break;
                    case 2: reader.ReadBytes(3); break;
                    default: reader.ReadList(); break;
                }

                Assert.Fail("An error was expected.");
            }
            catch (RlpException e)
            {
                Assert.Equal(0, e.Position);
            }

            Assert.Equal(0, reader.Position);
        }

        Assert.Equal(uint.MaxValue, reader.ReadUInt32());
    }

    [Fact]
    public void Misuse_of_the_writer_is_an_error()
    {
        RlpWriter writer = new();
        Assert.Throws<InvalidOperationException>(() => writer.EndList(0));
        int mark = writer.BeginList();
        Assert.Throws<InvalidOperationException>(() => writer.ToArray());
        Assert.Throws<ArgumentOutOfRangeException>(() => writer.EndList(1));
        writer.EndList(mark);
        Assert.Equal([0xc0], writer.ToArray());
        writer.Clear();
        Assert.Empty(writer.ToArray());
        Assert.Throws<ArgumentException>(() => writer.WriteString("é"));
        Assert.Throws<OverflowException>(() => writer.Write(-1));
    }

    [Fact]
    public void A_big_integer_as_bytes_keeps_its_value()
    {
        BigInteger value = BigInteger.Pow(2, 200) + 5;
        byte[] encoded = Encode(w => w.Write(UInt256.FromBigInteger(value)));
        Assert.Equal(value, new RlpReader(encoded).ReadUInt256().ToBigInteger());
    }
}
