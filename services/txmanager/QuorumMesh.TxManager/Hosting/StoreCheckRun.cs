using QuorumMesh.ServiceDefaults;
using QuorumMesh.TxManager.Core;
using QuorumMesh.TxManager.Storage;
using QuorumMesh.TxManager.Storage.Checking;

namespace QuorumMesh.TxManager.Hosting;

/// <summary><c>quorummesh-txmanager verify</c>: reads the whole store and says what is broken.</summary>
public static class StoreCheckRun
{
    /// <returns>The exit code.</returns>
    /// <exception cref="StartupException">The store cannot be checked at all.</exception>
    public static int Run(StoreProvider provider, TextWriter output)
    {
        try
        {
            var check = StoreVerifier.Verify(provider, fault => output.WriteLine("BROKEN " + fault));
            output.WriteLine($"{check.Payloads} payloads, {check.Raw} raw payloads, {check.Participations} participation records");
            if (check.Gone > 0)
                output.WriteLine($"{check.Gone} participation records are of payloads that are not here: deleted, or lost");
            if (check.WithoutChecksum > 0)
                output.WriteLine($"{check.WithoutChecksum} rows have no checksum yet: of those only hash and form could be checked");
            output.WriteLine(check.Faults == 0
                ? "all is well"
                : $"{check.Faults} faults; have the parties send damaged payloads again (resend), or restore the database from a backup");
            return check.Faults == 0 ? HostRunner.Ok : HostRunner.Failed;
        }
        catch (PrivacyException e)
        {
            throw new StartupException($"{e.Message}; check jdbc.url (or quorummesh.database)", e);
        }
        finally
        {
            (provider as IDisposable)?.Dispose();
        }
    }
}
