using System.Reflection.Metadata;
using System.Reflection.PortableExecutable;
using System.Xml.Linq;

namespace QuorumMesh.Architecture.Tests;

/// <summary>Holds the arrows of ARCHITECTURE.md: who may reference whom, and which projects are pure.</summary>
public sealed class ArrowTests
{
    /// <summary>Project → the projects it may reference. A project that is not listed fails the test: write it down first.</summary>
    private static readonly Dictionary<string, string[]> Allowed = new()
    {
        ["Primitives"] = [],
        ["Contracts"] = ["Primitives"],
        ["Tls"] = [],
        ["Listeners"] = ["Tls"],
        ["Outbound"] = ["Tls"],
        ["Listeners.Grpc"] = ["Listeners"],
        ["ServiceDefaults"] = ["Listeners"],
        ["Evm"] = ["Primitives"],
        ["State"] = ["Evm"],
        ["Chain"] = ["State"],
        ["Consensus"] = ["Primitives"],
        ["Node.Runtime"] = ["Chain", "Consensus"],
        ["Node.Storage"] = ["State", "Consensus"],
        ["Node.Network"] = ["Node.Runtime", "Listeners", "Outbound"],
        ["Node.Privacy"] = ["Node.Runtime", "Contracts", "Outbound"],
        ["Node.Accounts"] = ["Primitives"],
        ["Node.Rpc"] = ["Node.Runtime", "Listeners", "Outbound"],
        ["Node"] = ["Node.Storage", "Node.Network", "Node.Privacy", "Node.Accounts", "Node.Rpc", "ServiceDefaults"],
        ["TxManager.Core"] = ["Primitives", "Contracts", "Outbound", "Enclave.Core"],
        ["TxManager.Storage"] = ["TxManager.Core"],
        ["TxManager.Rest"] = ["TxManager.Core", "Listeners"],
        ["TxManager"] = ["TxManager.Storage", "TxManager.Rest", "Enclave.Keys", "Listeners.Grpc", "ServiceDefaults"],
        ["Enclave.Core"] = ["Primitives", "Contracts"],
        ["Enclave.Keys"] = ["Enclave.Core", "Outbound"],
        ["Enclave"] = ["Enclave.Keys", "Listeners.Grpc", "ServiceDefaults"],
        ["Cli"] = ["Outbound", "Chain", "Node.Accounts", "Node.Storage", "Enclave.Keys"],
    };

    private static readonly string[] Pure = ["Primitives", "Contracts", "Evm", "State", "Chain", "Consensus", "Enclave.Core"];

    public static TheoryData<string> Projects() => [.. Repository.ProductProjects];

    [Theory]
    [MemberData(nameof(Projects))]
    public void A_project_references_only_what_its_arrows_allow(string path)
    {
        var name = Name(path);
        Assert.True(Allowed.TryGetValue(name, out var allowed), $"{name} has no arrows yet: add it to ARCHITECTURE.md and to this test");
        var references = Elements(path, "ProjectReference").Select(e => Name(e.Attribute("Include")!.Value.Replace('\\', '/')));
        Assert.Equal(allowed!.Order(), references.Order());
    }

    /// <summary>An arrow that no line follows is no arrow: the compiler leaves it out of what it makes.</summary>
    [Theory]
    [MemberData(nameof(Projects))]
    public void An_arrow_is_used(string path)
    {
        using var assembly = new PEReader(File.OpenRead(BuiltFrom(path)));
        var metadata = assembly.GetMetadataReader();
        var used = metadata.AssemblyReferences.Select(r => metadata.GetString(metadata.GetAssemblyReference(r).Name));
        Assert.Empty(Allowed[Name(path)].Select(name => $"QuorumMesh.{name}").Except(used));
    }

    [Theory]
    [MemberData(nameof(Projects))]
    public void Exactly_the_pure_projects_have_the_banned_list(string path) =>
        Assert.Equal(Pure.Contains(Name(path)), Elements(path, "QuorumMeshPure").Any(e => e.Value == "true"));

    [Theory]
    [MemberData(nameof(Projects))]
    public void Folder_project_and_root_namespace_have_one_name(string path)
    {
        Assert.Equal(Path.GetFileNameWithoutExtension(path), Path.GetFileName(Path.GetDirectoryName(path)));
        Assert.Empty(Elements(path, "RootNamespace"));
    }

    [Fact]
    public void Every_project_is_in_the_solution_and_in_the_architecture_page()
    {
        var solution = File.ReadAllText(Path.Combine(Root, "QuorumMesh.sln"));
        var page = File.ReadAllText(Path.Combine(Root, "ARCHITECTURE.md"));
        foreach (var path in Repository.ProductProjects)
        {
            var name = Path.GetFileNameWithoutExtension(path);
            Assert.Contains($"\"{name}\"", solution, StringComparison.Ordinal);
            Assert.Contains($"`{Name(path)}`", page, StringComparison.Ordinal);
        }
    }

    public static bool IsPure(string path) => Pure.Contains(Name(path));

    private static string Root => Repository.Root;

    private static string AssemblyOf(string path) =>
        Elements(path, "AssemblyName").FirstOrDefault()?.Value ?? Repository.NameOf(path);

    /// <summary>Built as this test was: bin/CONFIGURATION/FRAMEWORK.</summary>
    private static string BuiltFrom(string path)
    {
        var here = new DirectoryInfo(AppContext.BaseDirectory.TrimEnd('/'));
        return Path.Combine(Root, Repository.FolderOf(path), "bin", here.Parent!.Name, here.Name, $"{AssemblyOf(path)}.dll");
    }

    private static string Name(string path) => Path.GetFileNameWithoutExtension(path)["QuorumMesh.".Length..];

    private static IEnumerable<XElement> Elements(string path, string name) => XDocument.Load(Path.Combine(Root, path)).Descendants(name);
}
