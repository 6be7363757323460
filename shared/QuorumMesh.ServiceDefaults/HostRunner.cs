using System.Net.Sockets;
using Microsoft.AspNetCore.Connections;
using QuorumMesh.Tls;

namespace QuorumMesh.ServiceDefaults;

/// <summary>
/// Runs a host, whose files are for its own user alone, and turns failures that an operator can mend into one line on standard
/// error.
/// </summary>
public static class HostRunner
{
    public const int Ok = 0;
    public const int Failed = 1;
    public const int BadUsage = 2;

    /// <returns>
    /// The exit code: that of <paramref name="run"/>, 1 for a failed start, 2 for a command line that cannot be understood.
    /// </returns>
    public static async Task<int> RunAsync(string program, Func<Task<int>> run)
    {
        ArgumentNullException.ThrowIfNull(run);
        OwnFiles.LimitNew();
        try
        {
            return await run().ConfigureAwait(false);
        }
        catch (UsageException e)
        {
            return Tell(program, e.Message, BadUsage);
        }
        catch (Exception e) when (Describe(e) is { } line)
        {
            return Tell(program, line, Failed);
        }
        catch (OperationCanceledException)
        {
            return Failed;
        }
    }

    public static Task<int> RunAsync(string program, Func<Task> run) => RunAsync(program, async () =>
    {
        await run().ConfigureAwait(false);
        return Ok;
    });

    /// <summary>The line for a failure that is expected at start, or null for a defect, which keeps its stack trace.</summary>
    public static string? Describe(Exception failure) => failure switch
    {
        OptionsException or StartupException or UsageException or TlsSetupException => failure.Message,
        FileNotFoundException e => $"no file '{e.FileName}'",
        DirectoryNotFoundException or UnauthorizedAccessException => failure.Message,
        AddressInUseException => $"{failure.Message}; stop what listens there or choose another port",
        IOException { InnerException: AddressInUseException } =>
        $"{failure.Message.TrimEnd('.')}; stop what listens there or choose another port",
        SocketException e => $"cannot listen or connect: {e.Message}",
        IOException { InnerException: SocketException } => failure.Message,
        IOException => failure.Message,
        AggregateException { InnerExceptions.Count: 1 } e => Describe(e.InnerExceptions[0]),
        _ => null,
    };

    private static int Tell(string program, string line, int code)
    {
        Console.Error.WriteLine($"{program}: {line.ReplaceLineEndings(" ")}");
        return code;
    }
}
