using QuorumMesh.Tests;

namespace QuorumMesh.Spec;

/// <summary>
/// No file of the public vectors is overlooked: a file that no test is known to read fails here, with the test to extend.
/// </summary>
public class KnownFilesTests
{
    [VectorTheory]
    [InlineData("ABITests", "basic_abi_tests.json")] // AbiEncoderTests
    [InlineData("GenesisTests", "basic_genesis_tests.json")] // GenesisVectorTests
    [InlineData("KeyStoreTests", "basic_tests.json")] // KeystoreV3Tests
    [InlineData("RLPTests", "invalidRLPTest.json", "rlptest.json")] // Primitives' VectorTests, RandomRLPTests too
    // TrieVectorTests
    [InlineData("TrieTests", "hex_encoded_securetrie_test.json", "trieanyorder.json", "trieanyorder_secureTrie.json", "trietest.json",
        "trietest_secureTrie.json", "trietestnextprev.json")]
    // Primitives' VectorTests: crypto, keyaddrtest. DifficultyTests. TransactionTests: txtest. TrieVectorTests: hexencodetest.
    // GenesisVectorTests.
    [InlineData("BasicTests", "blockgenesistest.json", "crypto.json", "difficulty.json", "difficultyCustomHomestead.json",
        "difficultyCustomMainNetwork.json",
        "difficultyMainNetwork.json", "difficultyRopsten.json", "genesishashestest.json", "hexencodetest.json", "keyaddrtest.json",
        "txtest.json")]
    public void Folder_has_the_files_that_tests_read(string folder, params string[] known)
    {
        string[] present = [.. Directory.EnumerateFiles(Vectors.Path("ethereum-tests/" + folder)).Select(f => Path.GetFileName(f)!)
            .Order(StringComparer.Ordinal)];
        Assert.Equal(known.Order(StringComparer.Ordinal), present);
    }

    /// <summary>GeneralStateTests, TransactionTests and RandomRLPTests are read file by file, whatever their names.</summary>
    [VectorFact]
    public void Folders_are_those_that_tests_read()
    {
        string[] present = [.. Directory.EnumerateDirectories(Vectors.Path("ethereum-tests")).Select(f => Path.GetFileName(f)!)
            .Order(StringComparer.Ordinal)];
        Assert.Equal(["ABITests", "BasicTests", "GeneralStateTests", "GenesisTests", "KeyStoreTests", "RLPTests", "TransactionTests",
            "TrieTests"], present);
        Assert.Equal(["RandomRLPTests"],
            Directory.EnumerateDirectories(Vectors.Path("ethereum-tests/RLPTests")).Select(f => Path.GetFileName(f)!));
    }
}
