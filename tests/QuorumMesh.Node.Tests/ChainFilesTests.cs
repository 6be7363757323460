using QuorumMesh.ServiceDefaults;
using QuorumMesh.Tests;
using QuorumMesh.Tests.Shared;

namespace QuorumMesh.Node.Tests;

public sealed class ChainFilesTests : IDisposable
{
    private const string Recorded = "goquorum/raft3-2.5.0/";
    private readonly TempDirectory _temp = new();

    public void Dispose() => _temp.Dispose();

    [VectorFact]
    public void A_recorded_chain_comes_out_as_it_went_in()
    {
        var settings = Settings("a") with { Genesis = Vectors.Path(Recorded + "genesis.json") };
        Assert.Equal(0, ChainFiles.Init(settings, settings.Genesis));
        Assert.Equal(0, ChainFiles.Import(settings, Vectors.Path(Recorded + "chain.rlp")));
        Assert.Equal(0, ChainFiles.Export(settings, _temp.File("out.rlp")));
        Assert.Equal(File.ReadAllBytes(Vectors.Path(Recorded + "chain.rlp")), File.ReadAllBytes(_temp.File("out.rlp")));

        // Again: everything is known, nothing changes.
        Assert.Equal(0, ChainFiles.Import(settings, _temp.File("out.rlp")));
        Assert.Equal(0, ChainFiles.Export(settings, _temp.File("again.rlp")));
        Assert.Equal(File.ReadAllBytes(_temp.File("out.rlp")), File.ReadAllBytes(_temp.File("again.rlp")));
    }

    [VectorFact]
    public void A_cut_file_is_imported_up_to_the_damage()
    {
        var settings = Settings("b") with { Genesis = Vectors.Path(Recorded + "genesis.json") };
        var chain = File.ReadAllBytes(Vectors.Path(Recorded + "chain.rlp"));
        File.WriteAllBytes(_temp.File("cut.rlp"), chain[..(chain.Length / 2)]);
        Assert.Contains("damaged at byte", Assert.Throws<StartupException>(() => ChainFiles.Import(settings, _temp.File("cut.rlp"))).Message, StringComparison.Ordinal);
        Assert.Equal(0, ChainFiles.Import(settings, Vectors.Path(Recorded + "chain.rlp")));
        Assert.Equal(0, ChainFiles.Export(settings, _temp.File("out.rlp")));
        Assert.Equal(chain, File.ReadAllBytes(_temp.File("out.rlp")));
    }

    [VectorFact]
    public void Another_chains_file_is_refused()
    {
        _temp.Write("genesis.json", System.Text.Encoding.UTF8.GetString(TestChain.Genesis));
        var settings = Settings("c") with { Genesis = _temp.File("genesis.json") };
        Assert.Contains("another chain", Assert.Throws<StartupException>(() => ChainFiles.Import(settings, Vectors.Path(Recorded + "chain.rlp"))).Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Without_a_genesis_it_is_said_how_to_begin() =>
        Assert.Contains("init GENESIS", Assert.Throws<StartupException>(() => ChainFiles.Export(Settings("d"), _temp.File("out.rlp"))).Message, StringComparison.Ordinal);

    [Theory]
    [InlineData("not json")]
    [InlineData("{}")]
    public void A_bad_genesis_names_its_file(string content)
    {
        var path = _temp.Write("bad.json", content);
        Assert.Contains(path, Assert.Throws<StartupException>(() => ChainFiles.Init(Settings("e"), path)).Message, StringComparison.Ordinal);
    }

    [Fact]
    public void A_file_that_is_not_there_is_named()
    {
        _temp.Write("genesis.json", System.Text.Encoding.UTF8.GetString(TestChain.Genesis));
        var settings = Settings("f") with { Genesis = _temp.File("genesis.json") };
        Assert.Contains("/no/such.rlp", Assert.Throws<OptionsException>(() => ChainFiles.Import(settings, "/no/such.rlp")).Message, StringComparison.Ordinal);
    }

    private NodeSettings Settings(string name) => new() { DataDirectory = _temp.File(name) };
}
