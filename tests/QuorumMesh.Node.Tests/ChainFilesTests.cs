using System.Diagnostics;
using QuorumMesh.Chain;
using QuorumMesh.Chain.Istanbul;
using QuorumMesh.Primitives;
using QuorumMesh.ServiceDefaults;
using QuorumMesh.Tests;
using QuorumMesh.Tests.Shared;

namespace QuorumMesh.Node.Tests;

public sealed class ChainFilesTests : IDisposable
{
    private const string Recorded = "goquorum/raft3-2.5.0/";
    private const string RecordedIbft = "goquorum/ibft4-2.5.0/";
    private readonly TempDirectory _temp = new();

    public void Dispose() => _temp.Dispose();

    [VectorTheory]
    [InlineData(Recorded)]
    [InlineData(RecordedIbft)]
    public void A_recorded_chain_comes_out_as_it_went_in(string network)
    {
        var settings = Settings("a") with { Genesis = Vectors.Path(network + "genesis.json") };
        Assert.Equal(0, ChainFiles.Init(settings, settings.Genesis));
        Assert.Equal(0, ChainFiles.Import(settings, Vectors.Path(network + "chain.rlp")));
        Assert.Equal(0, ChainFiles.Export(settings, _temp.File("out.rlp")));
        Assert.Equal(File.ReadAllBytes(Vectors.Path(network + "chain.rlp")), File.ReadAllBytes(_temp.File("out.rlp")));

        // Again: everything is known, nothing changes.
        Assert.Equal(0, ChainFiles.Import(settings, _temp.File("out.rlp")));
        Assert.Equal(0, ChainFiles.Export(settings, _temp.File("again.rlp")));
        Assert.Equal(File.ReadAllBytes(_temp.File("out.rlp")), File.ReadAllBytes(_temp.File("again.rlp")));
    }

    [VectorTheory]
    [InlineData(Recorded)]
    [InlineData(RecordedIbft)]
    public void A_cut_file_is_imported_up_to_the_damage(string network)
    {
        var settings = Settings("b") with { Genesis = Vectors.Path(network + "genesis.json") };
        var chain = File.ReadAllBytes(Vectors.Path(network + "chain.rlp"));
        File.WriteAllBytes(_temp.File("cut.rlp"), chain[..(chain.Length / 2)]);
        Assert.Contains("damaged at byte",
            Assert.Throws<StartupException>(() => ChainFiles.Import(settings, _temp.File("cut.rlp"))).Message, StringComparison.Ordinal);
        Assert.Equal(0, ChainFiles.Export(settings, _temp.File("half.rlp")));
        Assert.True(chain.AsSpan().StartsWith(File.ReadAllBytes(_temp.File("half.rlp"))));
        Assert.Equal(0, ChainFiles.Import(settings, Vectors.Path(network + "chain.rlp")));
        Assert.Equal(0, ChainFiles.Export(settings, _temp.File("out.rlp")));
        Assert.Equal(chain, File.ReadAllBytes(_temp.File("out.rlp")));
    }

    [VectorFact]
    public void Ranges_are_appended_and_gz_is_compressed()
    {
        var settings = Settings("g") with { Genesis = Vectors.Path(RecordedIbft + "genesis.json") };
        var chain = File.ReadAllBytes(Vectors.Path(RecordedIbft + "chain.rlp"));
        Assert.Equal(0, ChainFiles.Import(settings, Vectors.Path(RecordedIbft + "chain.rlp")));
        var last = (ulong)BlockFile.Read(Vectors.Path(RecordedIbft + "chain.rlp")).Count() - 1;
        foreach (var file in new[] { _temp.File("parts.rlp"), _temp.File("parts.rlp.gz") })
        {
            Assert.Equal(0, ChainFiles.Export(settings, file, 0, 9));
            Assert.Equal(0, ChainFiles.Export(settings, file, 10, 10));
            Assert.Equal(0, ChainFiles.Export(settings, file, 11, last));
        }
        Assert.Equal(chain, File.ReadAllBytes(_temp.File("parts.rlp")));
        Assert.True(new FileInfo(_temp.File("parts.rlp.gz")).Length < chain.Length);
        var other = Settings("h") with { Genesis = settings.Genesis };
        Assert.Equal(0, ChainFiles.Import(other, _temp.File("parts.rlp.gz")));
        Assert.Equal(0, ChainFiles.Export(other, _temp.File("out.rlp")));
        Assert.Equal(chain, File.ReadAllBytes(_temp.File("out.rlp")));

        Assert.Contains($"ends at block {last}",
            Assert.Throws<OptionsException>(() => ChainFiles.Export(settings, _temp.File("x.rlp"), 1, last + 1)).Message,
            StringComparison.Ordinal);
        Assert.Contains("greater than",
            Assert.Throws<OptionsException>(() => ChainFiles.Export(settings, _temp.File("x.rlp"), 5, 4)).Message,
            StringComparison.Ordinal);
        Assert.Contains("/no/such/", Assert.Throws<OptionsException>(() => ChainFiles.Export(settings, "/no/such/directory.rlp")).Message,
            StringComparison.Ordinal);
        File.WriteAllBytes(_temp.File("junk.rlp.gz"), [1, 2, 3]);
        Assert.Contains("damaged", Assert.Throws<StartupException>(() => ChainFiles.Import(other, _temp.File("junk.rlp.gz"))).Message,
            StringComparison.Ordinal);
    }

    // What is changed in block 20 of the recorded chain, and the reason that is given. IBFT's seals cover the whole header,
    // Raft's cover nothing.
    [VectorTheory]
    [InlineData(Recorded, "state root", "block 20 (0x", "invalid state root")]
    [InlineData(Recorded, "state root", "is not valid", "--quorum.profile 2.6")]
    [InlineData(Recorded, "gas used", "invalid gas used", "--quorum.profile 2.6")]
    [InlineData(Recorded, "receipts root", "invalid receipt root", "")]
    [InlineData(Recorded, "transactions root", "transaction root hash mismatch", "")]
    [InlineData(Recorded, "bloom", "invalid bloom", "")]
    [InlineData(Recorded, "parent", "does not build on the head 19", "blocks before it are missing")]
    [InlineData(RecordedIbft, "state root", "block 20 (0x", "unauthorized")]
    [InlineData(RecordedIbft, "committed seals", "block 20 (0x", "zero committed seals")]
    [InlineData(RecordedIbft, "mix digest", "block 20 (0x", "invalid Istanbul mix digest")]
    [InlineData(RecordedIbft, "parent", "does not build on the head 19", "")]
    public void A_bad_block_is_refused_with_its_number_and_the_reason(string network, string what, string text, string alsoText)
    {
        var settings = Settings("i") with { Genesis = Vectors.Path(network + "genesis.json") };
        var blocks = BlockFile.Read(Vectors.Path(network + "chain.rlp")).ToList();
        var header = blocks[20].Header;
        blocks[20] = blocks[20] with
        {
            Header = what switch
            {
                "state root" => header with { StateRoot = Hash256.EmptyTrie },
                "gas used" => header with { GasUsed = header.GasUsed + 1 },
                "receipts root" => header with { ReceiptsRoot = header.StateRoot },
                "transactions root" => header with { TransactionsRoot = header.StateRoot },
                "bloom" => header with { Bloom = new Bloom([.. Enumerable.Repeat((byte)1, 256)]) },
                "mix digest" => header with { MixHash = default },
                "parent" => header with { ParentHash = header.StateRoot },
                _ => header with { ExtraData = WithoutCommittedSeals(header.ExtraData) },
            },
        };
        using (var file = File.Create(_temp.File("bad.rlp")))
            foreach (var block in blocks) file.Write(block.Encode());
        var message = Assert.Throws<StartupException>(() => ChainFiles.Import(settings, _temp.File("bad.rlp"))).Message;
        Assert.Contains(alsoText, message, StringComparison.Ordinal);
        Assert.Contains(text, message, StringComparison.Ordinal);
        Assert.Contains("19 blocks were imported before it, the head is 19", message, StringComparison.Ordinal);

        // What came before stays, and the right file goes on from there.
        Assert.Equal(0, ChainFiles.Import(settings, Vectors.Path(network + "chain.rlp")));
        Assert.Equal(0, ChainFiles.Export(settings, _temp.File("out.rlp")));
        Assert.Equal(File.ReadAllBytes(Vectors.Path(network + "chain.rlp")), File.ReadAllBytes(_temp.File("out.rlp")));
    }

    [VectorTheory]
    [InlineData(Recorded, "2.6")]
    [InlineData(Recorded, "24")]
    [InlineData(RecordedIbft, "21")]
    public void The_profile_to_try_is_named(string network, string profile)
    {
        var settings = Settings("j") with { Genesis = Vectors.Path(network + "genesis.json"), Profile = profile };
        var message = Assert.Throws<StartupException>(() => ChainFiles.Import(settings, Vectors.Path(network + "chain.rlp"))).Message;
        Assert.Contains($"the rules of profile {profile} were used", message, StringComparison.Ordinal);
        Assert.Contains("--quorum.profile 2.5", message, StringComparison.Ordinal);
        Assert.StartsWith("block ", message, StringComparison.Ordinal);
    }

    [VectorFact]
    public async Task An_import_that_is_killed_goes_on()
    {
        var data = _temp.File("k");
        string[] import = ["import", Vectors.Path(RecordedIbft + "chain.rlp"), "--datadir", data];
        Assert.Equal(0, await RunAsync(null, "init", Vectors.Path(RecordedIbft + "genesis.json"), "--datadir", data));
        foreach (var delay in (int[])[300, 600, 900, 1200])
            await RunAsync(TimeSpan.FromMilliseconds(delay), import);
        Assert.Equal(0, await RunAsync(null, import));
        Assert.Equal(0, await RunAsync(null, "export", _temp.File("out.rlp"), "--datadir", data));
        Assert.Equal(File.ReadAllBytes(Vectors.Path(RecordedIbft + "chain.rlp")), File.ReadAllBytes(_temp.File("out.rlp")));
        Assert.NotEqual(0, await RunAsync(null, "export", _temp.File("x.rlp"), "5", "--datadir", data));
        Assert.Equal(0, await RunAsync(null, "export", _temp.File("x.rlp"), "5", "9", "--datadir", data));
    }

    [VectorFact]
    public void Another_chains_file_is_refused()
    {
        _temp.Write("genesis.json", System.Text.Encoding.UTF8.GetString(TestChain.Genesis));
        var settings = Settings("c") with { Genesis = _temp.File("genesis.json") };
        var message = Assert.Throws<StartupException>(() => ChainFiles.Import(settings, Vectors.Path(Recorded + "chain.rlp"))).Message;
        Assert.Contains("another chain", message, StringComparison.Ordinal);
        Assert.StartsWith("block 0 is 0x", message, StringComparison.Ordinal);
    }

    [Fact]
    public void Without_a_genesis_it_is_said_how_to_begin() =>
        Assert.Contains("init GENESIS",
            Assert.Throws<StartupException>(() => ChainFiles.Export(Settings("d"), _temp.File("out.rlp"))).Message,
            StringComparison.Ordinal);

    [Theory]
    [InlineData("not json")]
    [InlineData("{}")]
    public void A_bad_genesis_names_its_file(string content)
    {
        var path = _temp.Write("bad.json", content);
        Assert.Contains(path, Assert.Throws<StartupException>(() => ChainFiles.Init(Settings("e"), path)).Message,
            StringComparison.Ordinal);
    }

    [Fact]
    public void A_file_that_is_not_there_is_named()
    {
        _temp.Write("genesis.json", System.Text.Encoding.UTF8.GetString(TestChain.Genesis));
        var settings = Settings("f") with { Genesis = _temp.File("genesis.json") };
        Assert.Contains("/no/such.rlp", Assert.Throws<OptionsException>(() => ChainFiles.Import(settings, "/no/such.rlp")).Message,
            StringComparison.Ordinal);
    }

    private static byte[] WithoutCommittedSeals(byte[] extraData) =>
        IstanbulExtra.TryDecode(extraData, out var extra) ? (extra with { CommittedSeals = [] }).Encode()
            : throw new InvalidOperationException("no IBFT block");

    /// <summary>The command in a process of its own, killed when it takes longer than given.</summary>
    private static async Task<int> RunAsync(TimeSpan? killAfter, params string[] arguments)
    {
        var start = new ProcessStartInfo("dotnet",
            [Path.Combine(AppContext.BaseDirectory, "quorummesh-node.dll"), .. arguments])
        {
            RedirectStandardOutput = true,
            RedirectStandardError = true
        };
        using var process = Process.Start(start)!;
        var output = Task.WhenAll(process.StandardOutput.ReadToEndAsync(), process.StandardError.ReadToEndAsync());
        using var limit = new CancellationTokenSource(killAfter ?? TimeSpan.FromMinutes(2));
        try
        {
            await process.WaitForExitAsync(limit.Token);
        }
        catch (OperationCanceledException)
        {
            process.Kill(entireProcessTree: true);
            await process.WaitForExitAsync();
        }
        await output;
        return process.ExitCode;
    }

    private NodeSettings Settings(string name) => new() { DataDirectory = _temp.File(name) };
}
