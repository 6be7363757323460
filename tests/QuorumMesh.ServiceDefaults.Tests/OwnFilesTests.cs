using Microsoft.Extensions.Configuration;

namespace QuorumMesh.ServiceDefaults.Tests;

public sealed class OwnFilesTests : IDisposable
{
    private const UnixFileMode OpenFile = (UnixFileMode)0b110_100_100;
    private const UnixFileMode OpenDirectory = (UnixFileMode)0b111_101_101;

    private readonly string _temp = Directory.CreateTempSubdirectory("qm-").FullName;

    public void Dispose() => Directory.Delete(_temp, recursive: true);

    [Fact]
    public void What_was_open_is_closed_with_one_line_and_then_none()
    {
        var data = Open("data");
        Assert.Null(OwnFiles.Close(Path.Combine(_temp, "absent")));
        var line = OwnFiles.Close(data);
        Assert.Equal($"{data} and what belongs to it was open to other users of this machine: 3 files and directories are closed now",
            line);
        Assert.Equal((UnixFileMode)0b111_000_000, File.GetUnixFileMode(data));
        Assert.Equal((UnixFileMode)0b111_000_000, File.GetUnixFileMode(Path.Combine(data, "sub")));
        Assert.Equal((UnixFileMode)0b110_000_000, File.GetUnixFileMode(Path.Combine(data, "sub", "file")));
        Assert.Null(OwnFiles.Close(data));
    }

    [Fact]
    public void Links_lead_nowhere()
    {
        var outside = Open("outside");
        var data = Directory.CreateDirectory(Path.Combine(_temp, "data")).FullName;
        Directory.CreateSymbolicLink(Path.Combine(data, "link"), outside);
        File.CreateSymbolicLink(Path.Combine(data, "file"), Path.Combine(outside, "sub", "file"));
        OwnFiles.Close(data);
        Assert.Equal(OpenDirectory, File.GetUnixFileMode(outside));
        Assert.Equal(OpenFile, File.GetUnixFileMode(Path.Combine(outside, "sub", "file")));
    }

    [Fact]
    public void A_place_that_others_use_too_is_not_our_own()
    {
        var data = Open("data");
        Assert.True(OwnFiles.IsOwn(data));
        Assert.False(OwnFiles.IsOwn("/"));
        Assert.False(OwnFiles.IsOwn("/tmp"));
        Assert.False(OwnFiles.IsOwn(Environment.GetFolderPath(Environment.SpecialFolder.UserProfile)));
        Assert.False(OwnFiles.IsOwn(Path.Combine(_temp, "absent")));
        File.SetUnixFileMode(data, (UnixFileMode)0b111_111_111);
        Assert.False(OwnFiles.IsOwn(data));
    }

    [Fact]
    public void A_directory_that_is_made_is_for_its_user_alone_and_so_are_those_above_it()
    {
        var made = OptionRules.WritableDirectory("--datadir", Path.Combine(_temp, "a", "b"));
        Assert.Equal((UnixFileMode)0b111_000_000, File.GetUnixFileMode(made));
        Assert.Equal((UnixFileMode)0b111_000_000, File.GetUnixFileMode(Path.Combine(_temp, "a")));
    }

    /// <summary>Each directory below the working directory would get a watch of the kernel.</summary>
    [Fact]
    public void No_service_watches_files_for_its_configuration()
    {
        IConfigurationBuilder configuration = ServiceHost.CreateBuilder().Configuration;
        var files = configuration.Sources.OfType<FileConfigurationSource>().ToList();
        Assert.NotEmpty(files);
        Assert.All(files, f => Assert.False(f.ReloadOnChange, f.Path));
    }

    private string Open(string name)
    {
        var directory = Directory.CreateDirectory(Path.Combine(_temp, name)).FullName;
        var sub = Directory.CreateDirectory(Path.Combine(directory, "sub")).FullName;
        File.WriteAllText(Path.Combine(sub, "file"), "");
        File.SetUnixFileMode(Path.Combine(sub, "file"), OpenFile);
        foreach (var path in new[] { directory, sub }) File.SetUnixFileMode(path, OpenDirectory);
        return directory;
    }
}
