-- What wixl cannot say of the MSI, one statement a line; installer/build runs them in this order. roagent's own commands do all that has
-- to do with the service: they know its account, its folders' access lists and its recovery. What they say is in install.log.
--
-- What is there already: the configuration, and how the service starts (#2 with the machine, #3 by hand).
CREATE TABLE `DrLocator` (`Signature_` CHAR(72) NOT NULL, `Parent` CHAR(72), `Path` CHAR(255), `Depth` SHORT PRIMARY KEY `Signature_`, `Parent`, `Path`)
INSERT INTO `Signature` (`Signature`, `FileName`) VALUES ('Config', 'roagent.yaml')
INSERT INTO `DrLocator` (`Signature_`, `Path`, `Depth`) VALUES ('Config', '[CommonAppDataFolder]roagent', 0)
INSERT INTO `AppSearch` (`Property`, `Signature_`) VALUES ('CONFIGURED', 'Config')
INSERT INTO `RegLocator` (`Signature_`, `Root`, `Key`, `Name`, `Type`) VALUES ('Starts', 2, 'SYSTEM\CurrentControlSet\Services\roagent', 'Start', 18)
INSERT INTO `AppSearch` (`Property`, `Signature_`) VALUES ('STARTS', 'Starts')
INSERT INTO `InstallUISequence` (`Action`, `Sequence`) VALUES ('AppSearch', 50)
INSERT INTO `InstallExecuteSequence` (`Action`, `Sequence`) VALUES ('AppSearch', 50)
UPDATE `Property` SET `Value` = 'OLDER;NEWER;CONFIGURED;STARTS;DEALERID;COLLECTOR;TOKENFILE;PASSWORDFILE;ANSWERS' WHERE `Property` = 'SecureCustomProperties'
--
-- A newer version stays. 19: an error.
INSERT INTO `CustomAction` (`Action`, `Type`, `Target`) VALUES ('RefuseDowngrade', 19, 'A newer roagent is installed, and may have changed the data folder into what this one cannot read: nothing was done. To go back, remove the newer one first.')
INSERT INTO `InstallExecuteSequence` (`Action`, `Condition`, `Sequence`) VALUES ('RefuseDowngrade', 'NEWER AND NOT Installed', 26)
--
-- The commands. 51: a property; 3106: a command, deferred, as the system; 3426: one that takes back, whatever it says.
INSERT INTO `CustomAction` (`Action`, `Type`, `Source`, `Target`) VALUES ('Agent', 51, 'AgentCommand', '[System64Folder]cmd.exe /s /c ""[INSTALLDIR]roagent.exe" --config "[DATADIR]roagent.yaml"')
INSERT INTO `CustomAction` (`Action`, `Type`, `Source`, `Target`) VALUES ('Says', 51, 'IntoLog', '>>"[DATADIR]install.log" 2>&1"')
INSERT INTO `CustomAction` (`Action`, `Type`, `Source`, `Target`) VALUES ('Token', 51, 'TokenFlag', '"--token=file:[TOKENFILE]"')
INSERT INTO `CustomAction` (`Action`, `Type`, `Source`, `Target`) VALUES ('Password', 51, 'PasswordFlag', '"--password=file:[PASSWORDFILE]"')
INSERT INTO `InstallExecuteSequence` (`Action`, `Sequence`) VALUES ('Agent', 1001)
INSERT INTO `InstallExecuteSequence` (`Action`, `Sequence`) VALUES ('Says', 1002)
INSERT INTO `InstallExecuteSequence` (`Action`, `Condition`, `Sequence`) VALUES ('Token', 'TOKENFILE', 1003)
INSERT INTO `InstallExecuteSequence` (`Action`, `Condition`, `Sequence`) VALUES ('Password', 'PASSWORDFILE', 1004)
--
-- Removing: the service goes, configuration and data stay. For an upgrade (UPGRADINGPRODUCTCODE) it is only stopped, by StopServices, and
-- stays registered as somebody may have configured it.
INSERT INTO `CustomAction` (`Action`, `Type`, `Source`, `Target`) VALUES ('Resume', 3426, 'DATADIR', '[AgentCommand] service start [IntoLog]')
INSERT INTO `CustomAction` (`Action`, `Type`, `Source`, `Target`) VALUES ('Reregister', 3426, 'DATADIR', '[AgentCommand] service install --now [IntoLog]')
INSERT INTO `CustomAction` (`Action`, `Type`, `Source`, `Target`) VALUES ('Unregister', 3106, 'DATADIR', '[AgentCommand] service uninstall [IntoLog]')
INSERT INTO `InstallExecuteSequence` (`Action`, `Condition`, `Sequence`) VALUES ('Resume', 'UPGRADINGPRODUCTCODE AND STARTS="#2"', 1701)
INSERT INTO `InstallExecuteSequence` (`Action`, `Condition`, `Sequence`) VALUES ('Reregister', 'REMOVE="ALL" AND NOT UPGRADINGPRODUCTCODE AND STARTS="#2"', 1702)
INSERT INTO `InstallExecuteSequence` (`Action`, `Condition`, `Sequence`) VALUES ('Unregister', 'REMOVE="ALL" AND NOT UPGRADINGPRODUCTCODE AND STARTS', 1703)
--
-- Installing: where there is no configuration, init writes one if it is told of whom; where there is one, it stays as it is.
-- The folder is closed to others before a secret is in it. A service that does not come up takes everything back; what takes it back
-- does without roagent.exe, which may be gone by then.
INSERT INTO `CustomAction` (`Action`, `Type`, `Source`, `Target`) VALUES ('Close', 3106, 'DATADIR', '[System64Folder]cmd.exe /s /c "icacls "[DATADIR]." /inheritance:r /grant:r *S-1-5-18:(OI)(CI)F *S-1-5-32-544:(OI)(CI)F [IntoLog]')
INSERT INTO `CustomAction` (`Action`, `Type`, `Source`, `Target`) VALUES ('Init', 3106, 'DATADIR', '[AgentCommand] init "--dealer-id=[DEALERID]" "--collector=[COLLECTOR]" "--answers=[ANSWERS]" [TokenFlag] [PasswordFlag] [IntoLog]')
INSERT INTO `CustomAction` (`Action`, `Type`, `Source`, `Target`) VALUES ('UndoInit', 3426, 'DATADIR', '[System64Folder]cmd.exe /s /c "del "[DATADIR]roagent.yaml" "[DATADIR]fieldmap.yaml" [IntoLog]')
INSERT INTO `CustomAction` (`Action`, `Type`, `Source`, `Target`) VALUES ('SetToken', 3106, 'DATADIR', '[AgentCommand] credential set collector <"[TOKENFILE]" [IntoLog]')
INSERT INTO `CustomAction` (`Action`, `Type`, `Source`, `Target`) VALUES ('SetPassword', 3106, 'DATADIR', '[AgentCommand] credential set dms <"[PASSWORDFILE]" [IntoLog]')
INSERT INTO `CustomAction` (`Action`, `Type`, `Source`, `Target`) VALUES ('UndoRegister', 3426, 'DATADIR', '[System64Folder]cmd.exe /s /c "sc stop roagent & sc delete roagent & reg delete HKLM\SYSTEM\CurrentControlSet\Services\EventLog\Application\roagent /f [IntoLog]')
INSERT INTO `CustomAction` (`Action`, `Type`, `Source`, `Target`) VALUES ('Register', 3106, 'DATADIR', '[AgentCommand] service install --now [IntoLog]')
INSERT INTO `CustomAction` (`Action`, `Type`, `Source`, `Target`) VALUES ('RegisterManual', 3106, 'DATADIR', '[AgentCommand] service install --manual [IntoLog]')
INSERT INTO `InstallExecuteSequence` (`Action`, `Condition`, `Sequence`) VALUES ('Close', 'NOT CONFIGURED AND NOT REMOVE', 5901)
INSERT INTO `InstallExecuteSequence` (`Action`, `Condition`, `Sequence`) VALUES ('Init', 'DEALERID AND NOT CONFIGURED AND NOT REMOVE', 5902)
INSERT INTO `InstallExecuteSequence` (`Action`, `Condition`, `Sequence`) VALUES ('UndoInit', 'DEALERID AND NOT CONFIGURED AND NOT REMOVE', 5903)
INSERT INTO `InstallExecuteSequence` (`Action`, `Condition`, `Sequence`) VALUES ('SetToken', 'TOKENFILE AND CONFIGURED AND NOT REMOVE', 5904)
INSERT INTO `InstallExecuteSequence` (`Action`, `Condition`, `Sequence`) VALUES ('SetPassword', 'PASSWORDFILE AND CONFIGURED AND NOT REMOVE', 5905)
INSERT INTO `InstallExecuteSequence` (`Action`, `Condition`, `Sequence`) VALUES ('UndoRegister', '(CONFIGURED OR DEALERID) AND NOT STARTS AND NOT REMOVE', 5906)
INSERT INTO `InstallExecuteSequence` (`Action`, `Condition`, `Sequence`) VALUES ('Register', '(CONFIGURED OR DEALERID) AND STARTS<>"#3" AND NOT REMOVE', 5907)
INSERT INTO `InstallExecuteSequence` (`Action`, `Condition`, `Sequence`) VALUES ('RegisterManual', '(CONFIGURED OR DEALERID) AND STARTS="#3" AND NOT REMOVE', 5908)
