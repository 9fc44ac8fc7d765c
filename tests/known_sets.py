"""Made tables with the headers and the folders of published data sets. Every value is invented; only names are real.

Each function writes a set below a folder, laid out as the published archives unpack, and returns the arguments of
`python -m mora_bench data` that docs/known.md gives for it, which also names the source of each header.
"""

import csv
import gzip
import io
import random
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path

from PIL import Image

Cell = str | int | float

#: Without a text the default backbone refuses a table: "ViLT reads its features off a text's [CLS]".
NO_TEXT = ("--backbone", "small-dual")
CHEXPERT_LABELS = (
    "Atelectasis", "Cardiomegaly", "Consolidation", "Edema", "Enlarged Cardiomediastinum", "Fracture", "Lung Lesion",
    "Lung Opacity", "No Finding", "Pleural Effusion", "Pleural Other", "Pneumonia", "Pneumothorax", "Support Devices",
)  # fmt: skip

PAD_UFES_20 = (
    "patient_id,lesion_id,smoke,drink,background_father,background_mother,age,pesticide,gender,skin_cancer_history,"
    "cancer_history,has_piped_water,has_sewage_system,fitspatrick,region,diameter_1,diameter_2,diagnostic,itch,grew,"
    "hurt,changed,bleed,elevation,img_id,biopsed"
)
DERM7PT = (
    "case_num,diagnosis,seven_point_score,pigment_network,streaks,pigmentation,regression_structures,"
    "dots_and_globules,blue_whitish_veil,vascular_structures,level_of_diagnostic_difficulty,elevation,location,sex,"
    "management,clinic,derm,case_id,notes"
)
HAM10000 = "lesion_id,image_id,dx,dx_type,age,sex,localization,dataset"
BRSET = (
    "image_id,patient_id,camera,patient_age,comorbidities,diabetes_time_y,insuline,patient_sex,exam_eye,diabetes,"
    "nationality,optic_disc,vessels,macula,DR_SDRG,DR_ICDR,focus,iluminaton,image_field,artifacts,"
    "diabetic_retinopathy,macular_edema,scar,nevus,amd,vascular_occlusion,hypertensive_retinopathy,drusens,"
    "hemorrhage,retinal_detachment,myopic_fundus,increased_cup_disc,other,quality"
)
MBRSET = (
    "patient,age,sex,dm_time,insulin,insulin_time,oraltreatment_dm,systemic_hypertension,insurance,educational_level,"
    "alcohol_consumption,smoking,obesity,vascular_disease,acute_myocardial_infarction,nephropathy,neuropathy,"
    "diabetic_foot,file,laterality,final_artifacts,final_quality,final_icdr,final_edema"
)
PADCHEST = (
    ",ImageID,ImageDir,StudyDate_DICOM,StudyID,PatientID,PatientBirth,PatientSex_DICOM,ViewPosition_DICOM,Projection,"
    "MethodProjection,Pediatric,Modality_DICOM,Manufacturer_DICOM,PhotometricInterpretation_DICOM,"
    "PixelRepresentation_DICOM,PixelAspectRatio_DICOM,SpatialResolution_DICOM,BitsStored_DICOM,WindowCenter_DICOM,"
    "WindowWidth_DICOM,Rows_DICOM,Columns_DICOM,XRayTubeCurrent_DICOM,Exposure_DICOM,ExposureInuAs_DICOM,"
    "ExposureTime,RelativeXRayExposure_DICOM,ReportID,Report,MethodLabel,Labels,Localizations,"
    "LabelsLocalizationsBySentence,labelCUIS,LocalizationsCUIS"
)
MIMIC_METADATA = (
    "dicom_id,subject_id,study_id,PerformedProcedureStepDescription,ViewPosition,Rows,Columns,StudyDate,StudyTime,"
    "ProcedureCodeSequence_CodeMeaning,ViewCodeSequence_CodeMeaning,PatientOrientationCodeSequence_CodeMeaning"
)
MIMIC_CHEXPERT = ",".join(("subject_id", "study_id", *CHEXPERT_LABELS))
MIMIC_SPLIT = "dicom_id,study_id,subject_id,split"
MIMIC_PATIENTS = "subject_id,gender,anchor_age,anchor_year,anchor_year_group,dod"
MIMIC_ADMISSIONS = (
    "subject_id,hadm_id,admittime,dischtime,deathtime,admission_type,admit_provider_id,admission_location,"
    "discharge_location,insurance,language,marital_status,race,edregtime,edouttime,hospital_expire_flag"
)
CHEXPERT = (
    "Path,Sex,Age,Frontal/Lateral,AP/PA,No Finding,Enlarged Cardiomediastinum,Cardiomegaly,Lung Opacity,Lung Lesion,"
    "Edema,Consolidation,Pneumonia,Atelectasis,Pneumothorax,Pleural Effusion,Pleural Other,Fracture,Support Devices"
)
OASIS1 = "ID,M/F,Hand,Age,Educ,SES,MMSE,CDR,eTIV,nWBV,ASF,Delay"
OASIS2 = "Subject ID,MRI ID,Group,Visit,MR Delay,M/F,Hand,Age,EDUC,SES,MMSE,CDR,eTIV,nWBV,ASF"
ADNIMERGE = (
    "RID,COLPROT,ORIGPROT,PTID,SITE,VISCODE,EXAMDATE,DX_bl,AGE,PTGENDER,PTEDUCAT,PTETHCAT,PTRACCAT,PTMARRY,APOE4,FDG,"
    "PIB,AV45,FBB,ABETA,TAU,PTAU,CDRSB,ADAS11,ADAS13,ADASQ4,MMSE,RAVLT_immediate,RAVLT_learning,RAVLT_forgetting,"
    "RAVLT_perc_forgetting,LDELTOTAL,DIGITSCOR,TRABSCOR,FAQ,MOCA,EcogPtMem,EcogPtLang,EcogPtVisspat,EcogPtPlan,"
    "EcogPtOrgan,EcogPtDivatt,EcogPtTotal,EcogSPMem,EcogSPLang,EcogSPVisspat,EcogSPPlan,EcogSPOrgan,EcogSPDivatt,"
    "EcogSPTotal,FLDSTRENG,FSVERSION,IMAGEUID,Ventricles,Hippocampus,WholeBrain,Entorhinal,Fusiform,MidTemp,ICV,DX,"
    "mPACCdigit,mPACCtrailsB,EXAMDATE_bl,CDRSB_bl,ADAS11_bl,ADAS13_bl,ADASQ4_bl,MMSE_bl,RAVLT_immediate_bl,"
    "RAVLT_learning_bl,RAVLT_forgetting_bl,RAVLT_perc_forgetting_bl,LDELTOTAL_BL,DIGITSCOR_bl,TRABSCOR_bl,FAQ_bl,"
    "mPACCdigit_bl,mPACCtrailsB_bl,FLDSTRENG_bl,FSVERSION_bl,IMAGEUID_bl,Ventricles_bl,Hippocampus_bl,WholeBrain_bl,"
    "Entorhinal_bl,Fusiform_bl,MidTemp_bl,ICV_bl,MOCA_bl,EcogPtMem_bl,EcogPtLang_bl,EcogPtVisspat_bl,EcogPtPlan_bl,"
    "EcogPtOrgan_bl,EcogPtDivatt_bl,EcogPtTotal_bl,EcogSPMem_bl,EcogSPLang_bl,EcogSPVisspat_bl,EcogSPPlan_bl,"
    "EcogSPOrgan_bl,EcogSPDivatt_bl,EcogSPTotal_bl,ABETA_bl,TAU_bl,PTAU_bl,FDG_bl,PIB_bl,AV45_bl,FBB_bl,Years_bl,"
    "Month_bl,Month,M,update_stamp"
)
ISIC2019_LABELS = "MEL,NV,BCC,AK,BKL,DF,VASC,SCC,UNK"
ISIC2019_METADATA = "image,age_approx,anatom_site_general,lesion_id,sex"
ISIC2020 = "image_name,patient_id,sex,age_approx,anatom_site_general_challenge,diagnosis,benign_malignant,target"
ISIC2020_DUPLICATES = "image_name_1,image_name_2"
OPENI_REPORTS = "uid,MeSH,Problems,image,indication,comparison,findings,impression"
OPENI_PROJECTIONS = "uid,filename,projection"
NIH_CXR14 = (
    "Image Index,Finding Labels,Follow-up #,Patient ID,Patient Age,Patient Gender,View Position,OriginalImage[Width,"
    "Height],OriginalImagePixelSpacing[x,y]"
)
MILK10K_LABELS = "AKIEC,BCC,BEN_OTH,BKL,DF,INF,MAL_OTH,MEL,NV,SCCKA,VASC"
MILK10K_METADATA = (
    "lesion_id,image_type,isic_id,attribution,copyright_license,image_manipulation,age_approx,sex,skin_tone_class,"
    "site,MONET_ulceration_crust,MONET_hair,MONET_vasculature_vessels,MONET_erythema,MONET_pigmented,"
    "MONET_gel_water_drop_fluid_dermoscopy_liquid,MONET_skin_markings_pen_ink_purple_pen"
)
CHEXCHONET = (
    "patient_id,cxr_filename,cxr_time_offset,cxr_year,cxr_path,cxr_pixel_spacing_x,cxr_pixel_spacing_y,age,sex,ivsd,"
    "lvpwd,lvidd,slvh,dlv,composite_slvh_dlv,heart_transplant,lung_transplant,pacemaker_or_icd"
)
SCIN_CASES = (
    "case_id,source,release,year,age_group,sex_at_birth,fitzpatrick_skin_type,"
    "race_ethnicity_american_indian_or_alaska_native,race_ethnicity_asian,race_ethnicity_black_or_african_american,"
    "race_ethnicity_hispanic_latino_or_spanish_origin,race_ethnicity_middle_eastern_or_north_african,"
    "race_ethnicity_native_hawaiian_or_pacific_islander,race_ethnicity_white,race_ethnicity_other_race,"
    "race_ethnicity_prefer_not_to_answer,textures_raised_or_bumpy,textures_flat,textures_rough_or_flaky,"
    "textures_fluid_filled,body_parts_head_or_neck,body_parts_arm,body_parts_palm,body_parts_back_of_hand,"
    "body_parts_torso_front,body_parts_torso_back,body_parts_genitalia_or_groin,body_parts_buttocks,body_parts_leg,"
    "body_parts_foot_top_or_side,body_parts_foot_sole,body_parts_other,condition_symptoms_bothersome_appearance,"
    "condition_symptoms_bleeding,condition_symptoms_increasing_size,condition_symptoms_darkening,"
    "condition_symptoms_itching,condition_symptoms_burning,condition_symptoms_pain,"
    "condition_symptoms_no_relevant_experience,other_symptoms_fever,other_symptoms_chills,other_symptoms_fatigue,"
    "other_symptoms_joint_pain,other_symptoms_mouth_sores,other_symptoms_shortness_of_breath,"
    "other_symptoms_no_relevant_symptoms,related_category,condition_duration,image_1_path,image_2_path,image_3_path,"
    "image_1_shot_type,image_2_shot_type,image_3_shot_type,combined_race,race_ethnicity_two_or_more_after_mitigation"
)
SCIN_LABELS = (
    "case_id,dermatologist_gradable_for_skin_condition_1,dermatologist_gradable_for_skin_condition_2,"
    "dermatologist_gradable_for_skin_condition_3,dermatologist_skin_condition_on_label_name,"
    "dermatologist_skin_condition_confidence,weighted_skin_condition_label,"
    "dermatologist_gradable_for_fitzpatrick_skin_type_1,dermatologist_gradable_for_fitzpatrick_skin_type_2,"
    "dermatologist_gradable_for_fitzpatrick_skin_type_3,dermatologist_fitzpatrick_skin_type_label_1,"
    "dermatologist_fitzpatrick_skin_type_label_2,dermatologist_fitzpatrick_skin_type_label_3,"
    "gradable_for_monk_skin_tone_india,gradable_for_monk_skin_tone_us,monk_skin_tone_label_india,"
    "monk_skin_tone_label_us"
)
SYMILE_LABS = (
    "51221,51265,50912,50971,51222,51301,51249,51279,51250,51248,51277,51006,50983,50902,50882,50868,50931,50960,"
    "50893,50970,51237,51274,51275,51146,51256,51254,51200,51244,52172,50934,51678,50947,50861,50878,50813,50863,"
    "50885,50820,50862,50802,50821,50804,50818,52075,52073,52074,52069,51133,50910,52135"
)
SYMILE_MIMIC = (
    "subject_id,hadm_id,admittime,dischtime,deathtime,admission_type,admission_location,discharge_location,race,"
    "hospital_expire_flag,gender,anchor_age,anchor_year,dod,admittime_year,age,cxr_24_72_hr,cxr_dicom_id,"
    "cxr_study_id,cxr_ViewPosition,cxr_ViewCodeSequence_CodeMeaning,cxr_StudyDateTime,cxr_path,study_id,"
    f"{','.join(CHEXPERT_LABELS)},ecg_adm,ecg_study_id,ecg_file_name,ecg_time,ecg_path,{SYMILE_LABS},labs_all_nan"
)


def _write(file: Path, header: str, rows: Iterable[dict[str, Cell]], bom: bool = False) -> None:
    """A CSV file, gzipped if its name says so. A row names the cells it fills; all others are empty."""
    names = header.split(",")
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(names)
    for row in rows:
        unknown = set(row) - set(names)
        if unknown:
            raise ValueError(f"{file.name}: no column {sorted(unknown)}")
        writer.writerow([row.get(name, "") for name in names])
    data = text.getvalue().encode("utf-8-sig" if bom else "utf-8")
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_bytes(gzip.compress(data, mtime=0) if file.suffix == ".gz" else data)


def _picture(file: Path, rng: random.Random) -> None:
    """A file of 32 x 32 noise."""
    file.parent.mkdir(parents=True, exist_ok=True)
    Image.frombytes("RGB", (32, 32), rng.randbytes(32 * 32 * 3)).save(file)


def _grey(file: Path, rng: random.Random, deep: bool = False) -> None:
    """A file of 32 x 32 grey noise, of 16 bits if deep."""
    file.parent.mkdir(parents=True, exist_ok=True)
    mode, size = ("I;16", 2) if deep else ("L", 1)
    Image.frombytes(mode, (32, 32), rng.randbytes(32 * 32 * size)).save(file)


def _gap(rng: random.Random, value: Cell, share: float) -> Cell:
    """The value, or an empty cell with the chance `share`."""
    return "" if rng.random() < share else value


def _hex(rng: random.Random, length: int) -> str:
    return "".join(rng.choices("0123456789abcdef", k=length))


def _sure(rng: random.Random, positive: float = 0.3) -> int:
    return int(rng.random() < positive)


def _mentioned(rng: random.Random, names: Sequence[str]) -> dict[str, Cell]:
    """CheXpert's labels: 1, 0, -1 for uncertain, empty where a report does not speak of one."""
    return {name: rng.choices(("", "1.0", "0.0", "-1.0"), (60, 22, 10, 8))[0] for name in names}


def pad_ufes_20(folder: Path, rows: int = 40, seed: int = 0) -> list[str]:
    """metadata.csv; pictures in three folders, of which no column speaks."""
    rng = random.Random(seed)
    made: list[dict[str, Cell]] = []
    for i in range(rows):
        patient, lesion = f"PAT_{i // 2 + 1}", 100 + i // 2
        what = ("BCC", "ACK", "NEV", "SEK", "SCC", "MEL")[i % 6]
        biopsed = what in ("BCC", "SCC", "MEL") or rng.random() < 0.2
        name = f"{patient}_{lesion}_{rng.randrange(1000)}.png"
        row: dict[str, Cell] = {
            "patient_id": patient, "lesion_id": lesion, "age": rng.randint(20, 90), "diagnostic": what,
            "region": rng.choice(("FACE", "FOREARM", "BACK", "NOSE")), "img_id": name, "biopsed": str(biopsed),
        }  # fmt: skip
        row |= {key: str(rng.random() < 0.4) for key in ("itch", "grew", "hurt", "changed", "bleed", "elevation")}
        if biopsed:  # All else is empty where there was no biopsy.
            flags = "smoke,drink,pesticide,skin_cancer_history,cancer_history,has_piped_water,has_sewage_system"
            row |= {key: str(rng.random() < 0.4) for key in flags.split(",")}
            row |= {"background_father": "POMERANIA", "background_mother": "GERMANY"}
            row |= {"gender": rng.choice(("FEMALE", "MALE")), "fitspatrick": float(rng.randint(1, 5))}
            row |= {"diameter_1": float(rng.randint(2, 20)), "diameter_2": float(rng.randint(2, 20))}
        made.append(row)
        _picture(folder / "images" / f"imgs_part_{i % 3 + 1}" / name, rng)
    _write(folder / "metadata.csv", PAD_UFES_20, made)
    measured = "age region fitspatrick diameter_1 diameter_2 gender smoke drink itch grew hurt changed bleed elevation"
    return [
        str(folder / "metadata.csv"),
        "--image",
        "img_id",
        "--table",
        *measured.split(),
        "--labels",
        "diagnostic",
        "--patient",
        "patient_id",
        "--pictures",
        *(str(folder / "images" / f"imgs_part_{n}") for n in (1, 2, 3)),
        *NO_TEXT,
    ]


def derm7pt(folder: Path, rows: int = 40, seed: int = 0) -> list[str]:
    """release_v0: meta/meta.csv beside images/; three files of row numbers are the official split."""
    rng = random.Random(seed)
    base = folder / "release_v0"
    made: list[dict[str, Cell]] = []
    for i in range(rows):
        clinic, derm = f"NEL/NEL{i:03}.JPG", f"NEL/Nel{i + 500:03}.jpg"
        made.append({
            "case_num": i + 1, "clinic": clinic, "derm": derm, "sex": rng.choice(("female", "male")),
            "diagnosis": ("clark nevus", "melanoma (in situ)", "basal cell carcinoma", "seborrheic keratosis")[i % 4],
            "seven_point_score": rng.randint(0, 7), "pigment_network": rng.choice(("absent", "typical", "atypical")),
            "streaks": rng.choice(("absent", "regular", "irregular")),
            "pigmentation": rng.choice(("absent", "diffuse regular", "localized irregular")),
            "regression_structures": rng.choice(("absent", "blue areas", "combinations")),
            "dots_and_globules": rng.choice(("absent", "regular", "irregular")),
            "blue_whitish_veil": rng.choice(("absent", "present")),
            "vascular_structures": rng.choice(("absent", "arborizing", "dotted")),
            "level_of_diagnostic_difficulty": rng.choice(("low", "medium", "high")),
            "elevation": rng.choice(("flat", "palpable", "nodular")),
            "location": rng.choice(("back", "head neck", "lower limbs")),
            "management": rng.choice(("excision", "clinical follow up", "no further examination")),
        })  # fmt: skip
        _picture(base / "images" / clinic, rng)
        _picture(base / "images" / derm, rng)
    _write(base / "meta" / "meta.csv", DERM7PT, made)
    for name, start in (("train", 0), ("valid", 1), ("test", 2)):
        numbers: list[dict[str, Cell]] = [{"indexes": i} for i in range(start, rows, 3)]
        _write(base / "meta" / f"{name}_indexes.csv", "indexes", numbers)
    return [
        str(base / "meta" / "meta.csv"),
        "--image",
        "clinic",
        "derm",
        "--table",
        "sex",
        "location",
        "elevation",
        "--labels",
        "diagnosis",
        "--id",
        "case_num",
        "--root",
        str(base),
        "--pictures",
        str(base / "images"),
        *NO_TEXT,
    ]


def ham10000(folder: Path, rows: int = 40, seed: int = 0) -> list[str]:
    """HAM10000_metadata.csv; pictures in two folders; the names in the table have no suffix."""
    rng = random.Random(seed)
    made: list[dict[str, Cell]] = []
    for i in range(rows):
        what = ("nv", "mel", "bkl", "bcc", "akiec", "df", "vasc")[i % 7]
        made.append({
            "lesion_id": f"HAM_{i // 2:07}", "image_id": f"ISIC_{i:07}", "dx": what,
            "dx_type": "histo" if what != "nv" else rng.choice(("histo", "follow_up", "consensus", "confocal")),
            "age": _gap(rng, float(rng.randrange(5, 90, 5)), 0.05), "sex": rng.choice(("male", "female", "unknown")),
            "localization": rng.choice(("back", "trunk", "face", "unknown")), "dataset": "vidir_modern",
        })  # fmt: skip
        _picture(folder / f"HAM10000_images_part_{1 + i % 2}" / f"ISIC_{i:07}.jpg", rng)
    _write(folder / "HAM10000_metadata.csv", HAM10000, made)
    return [
        str(folder / "HAM10000_metadata.csv"),
        "--image",
        "lesion={image_id}.jpg",
        "--table",
        "age",
        "sex",
        "localization",
        "--labels",
        "dx",
        "--patient",
        "lesion_id",
        "--pictures",
        *(str(folder / f"HAM10000_images_part_{n}") for n in (1, 2)),
        *NO_TEXT,
    ]


def brset(folder: Path, rows: int = 40, seed: int = 0) -> list[str]:
    """labels_brset.csv (with a byte-order mark, as the authors' copy has); fundus_photos/; names without suffix."""
    rng = random.Random(seed)
    made: list[dict[str, Cell]] = []
    findings = BRSET.split(",")[20:33]
    for i in range(rows):
        name, diabetes = f"img{i + 1:05}", rng.choice(("yes", "no"))
        row: dict[str, Cell] = {
            "image_id": name, "patient_id": i // 2 + 1, "camera": rng.choice(("Canon CR", "NIKON NF5050")),
            "patient_age": _gap(rng, rng.randint(20, 90), 0.3), "comorbidities": _gap(rng, "diabetes1", 0.5),
            "diabetes_time_y": _gap(rng, rng.randint(1, 30), 0.8), "insuline": _gap(rng, "yes", 0.8),
            "patient_sex": 1 + i // 2 % 2, "exam_eye": 1 + i % 2, "diabetes": diabetes, "nationality": "Brazil",
            "optic_disc": 1, "vessels": 1, "macula": 1, "DR_SDRG": 0, "DR_ICDR": 0, "focus": 1, "iluminaton": 1,
            "image_field": 1, "artifacts": 1, "quality": rng.choice(("Adequate", "Inadequate")),
        }  # fmt: skip
        made.append(row | {finding: _sure(rng) for finding in findings})
        _picture(folder / "fundus_photos" / f"{name}.jpg", rng)
    _write(folder / "labels_brset.csv", BRSET, made, bom=True)
    return [
        str(folder / "labels_brset.csv"),
        "--image",
        "fundus={image_id}.jpg",
        "--table",
        "patient_age",
        "patient_sex",
        "diabetes_time_y",
        "insuline",
        "--labels",
        *findings,
        "--id",
        "image_id",
        "--patient",
        "patient_id",
        "--pictures",
        str(folder / "fundus_photos"),
        *NO_TEXT,
    ]


def mbrset(folder: Path, rows: int = 40, seed: int = 0) -> list[str]:
    """labels_mbrset.csv and images/; grades and yes/no labels with empty cells; one listed picture is absent."""
    rng = random.Random(seed)
    made: list[dict[str, Cell]] = []
    for i in range(rows):
        patient, name = i // 4 + 1, f"{i // 4 + 1}.{i % 4 + 1}.jpg"
        row: dict[str, Cell] = {
            "patient": patient, "age": 30 + patient % 50, "sex": patient % 2, "dm_time": _gap(rng, 7, 0.1),
            "insulin": patient % 2, "insulin_time": _gap(rng, 3, 0.8), "file": name,
            "laterality": "right" if i % 4 < 2 else "left", "final_artifacts": rng.choice(("yes", "no")),
            "final_quality": rng.choice(("yes", "no")), "final_icdr": _gap(rng, i % 5, 0.05),
            "final_edema": _gap(rng, rng.choice(("yes", "no")), 0.05),
        }  # fmt: skip
        made.append(row | {column: _gap(rng, _sure(rng), 0.05) for column in MBRSET.split(",")[6:18]})
        if i:
            _picture(folder / "images" / name, rng)
    _write(folder / "labels_mbrset.csv", MBRSET, made)
    return [
        str(folder / "labels_mbrset.csv"),
        "--image",
        "file",
        "--table",
        "age",
        "sex",
        "dm_time",
        "insulin",
        "insulin_time",
        "systemic_hypertension",
        "insurance",
        "educational_level",
        "--labels",
        "final_icdr",
        "--grades",
        *"01234",
        "--empty-label",
        "leave-out",
        "--absent-pictures",
        "allow",
        "--id",
        "file",
        "--patient",
        "patient",
        "--pictures",
        str(folder / "images"),
        *NO_TEXT,
    ]


def padchest(folder: Path, rows: int = 40, seed: int = 0) -> list[str]:
    """The table of 160K pictures; ImageDir and ImageID together are the path; labels are a Python list."""
    rng = random.Random(seed)
    made: list[dict[str, Cell]] = []
    findings = ("normal", "scoliosis", "cardiomegaly", "pleural effusion", "nodule")
    for i in range(rows):
        study = f"{rng.randrange(10**30, 10**31)}"
        name, directory = f"{study}_{_hex(rng, 6)}.png", rng.randrange(3)
        chosen = rng.sample(findings[1:], rng.randint(1, 2)) if i % 2 else ["normal"]
        labels: Cell = "" if i == 5 else str(chosen)
        made.append({
            "": i, "ImageID": name, "ImageDir": directory, "StudyDate_DICOM": 20150000 + i, "StudyID": study,
            "PatientID": f"{1000 + i // 2}", "PatientBirth": float(1930 + i), "PatientSex_DICOM": "FM"[i % 2],
            "ViewPosition_DICOM": "PA", "Projection": rng.choice(("PA", "L", "AP_horizontal")),
            "MethodProjection": "Manual review of DICOM fields", "Pediatric": "No", "Modality_DICOM": "DX",
            "ReportID": 4000000 + i, "Report": _gap(rng, f" sin hallazgos {chosen[0]} .", 0.02),
            "MethodLabel": rng.choice(("Physician", "RNN_model")), "Labels": labels, "Localizations": "[]",
            "LabelsLocalizationsBySentence": f"[{chosen}]", "labelCUIS": "['C0205307']", "LocalizationsCUIS": "[]",
        })  # fmt: skip
        _grey(folder / str(directory) / name, rng, deep=True)
    table = folder / "PADCHEST_chest_x_ray_images_labels_160K_01.02.19.csv"
    _write(table, PADCHEST, made)
    return [
        str(table),
        "--image",
        "film={ImageDir}/{ImageID}",
        "--text",
        "Report",
        "--table",
        "PatientBirth",
        "PatientSex_DICOM",
        "--labels",
        "Labels",
        "--empty-label",
        "leave-out",
        "--none-label",
        "normal",
        "--id",
        "ImageID",
        "--patient",
        "PatientID",
    ]


def mimic_cxr_jpg(folder: Path, rows: int = 40, seed: int = 0) -> list[str]:
    """MIMIC-CXR-JPG 2.0.0 with reports as files, and two tables of MIMIC-IV: gzipped, to be joined, no paths."""
    rng = random.Random(seed)
    films: list[dict[str, Cell]] = []
    labels: list[dict[str, Cell]] = []
    split: list[dict[str, Cell]] = []
    people: list[dict[str, Cell]] = []
    stays: list[dict[str, Cell]] = []
    for i in range(rows):
        subject, study = 90000000 + i // 3, 50000000 + i
        ids: dict[str, Cell] = {"subject_id": subject, "study_id": study}
        labels.append(ids | _mentioned(rng, CHEXPERT_LABELS))
        subject_folder = folder / "files" / f"p{subject // 10**6}" / f"p{subject}"
        subject_folder.mkdir(parents=True, exist_ok=True)
        report = "FINAL REPORT\n FINDINGS: The lungs are clear.\n IMPRESSION: No acute process.\n"
        (subject_folder / f"s{study}.txt").write_text(report)
        for view in ("PA", "LATERAL")[: 1 + i % 2]:
            film = "-".join(_hex(rng, 8) for _ in range(5))
            films.append(ids | {
                "dicom_id": film, "PerformedProcedureStepDescription": "CHEST (PA AND LAT)", "ViewPosition": view,
                "Rows": 32, "Columns": 32, "StudyDate": 21800000 + i, "StudyTime": "101500.000",
                "ProcedureCodeSequence_CodeMeaning": "CHEST (PA AND LAT)",
            })  # fmt: skip
            split.append(ids | {"dicom_id": film, "split": ("train", "train", "validate", "test")[i // 3 % 4]})
            _grey(subject_folder / f"s{study}" / f"{film}.jpg", rng)
        if i % 3 == 0:
            age = rng.randint(18, 91)
            people.append({"subject_id": subject, "gender": rng.choice("FM"), "anchor_age": age, "anchor_year": 2180})
            stays.append({"subject_id": subject, "hadm_id": 20000000 + i, "race": "WHITE", "hospital_expire_flag": 0})
    name = "mimic-cxr-2.0.0"
    _write(folder / f"{name}-metadata.csv.gz", MIMIC_METADATA, films)
    _write(folder / f"{name}-chexpert.csv.gz", MIMIC_CHEXPERT, labels)
    _write(folder / f"{name}-split.csv.gz", MIMIC_SPLIT, split)
    _write(folder / "hosp" / "patients.csv.gz", MIMIC_PATIENTS, people)
    _write(folder / "hosp" / "admissions.csv.gz", MIMIC_ADMISSIONS, stays)
    return [
        str(folder / f"{name}-metadata.csv.gz"),
        "--join",
        f"{name}-chexpert.csv.gz:study_id",
        "hosp/patients.csv.gz:subject_id",
        f"{name}-split.csv.gz:dicom_id",
        "--split",
        "split",
        "--image",
        "film=p{subject_id:.2}/p{subject_id}/s{study_id}/{dicom_id}.jpg",
        "--text",
        "report=p{subject_id:.2}/p{subject_id}/s{study_id}.txt",
        "--table",
        "ViewPosition",
        "gender",
        "anchor_age",
        "--labels",
        *(label for label in CHEXPERT_LABELS if label != "No Finding"),
        "--uncertain",
        "0",
        "--empty-label",
        "negative",
        "--id",
        "dicom_id",
        "--patient",
        "subject_id",
        "--pictures",
        str(folder / "files"),
    ]


def chexpert(folder: Path, rows: int = 40, seed: int = 0) -> list[str]:
    """CheXpert-v1.0-small: paths begin above the folder of the table; labels of -1 and none; two tables by split."""
    rng = random.Random(seed)
    base = folder / "CheXpert-v1.0-small"
    labels = CHEXPERT.split(",")[5:]
    for name, count in (("train", rows), ("valid", max(4, rows // 5))):
        made: list[dict[str, Cell]] = []
        for i in range(count):
            view = "lateral" if i % 4 == 3 else "frontal"
            path = f"CheXpert-v1.0-small/{name}/patient{i // 2 + 1:05}/study{1 + i % 2}/view1_{view}.jpg"
            marks = _mentioned(rng, labels)
            if name == "valid":
                marks = {label: f"{_sure(rng)}.0" for label in labels}
            made.append(marks | {
                "Path": path, "Sex": rng.choice(("Female", "Male")), "Age": rng.randint(18, 90),
                "Frontal/Lateral": view.capitalize(), "AP/PA": "" if view == "lateral" else rng.choice(("AP", "PA")),
            })  # fmt: skip
            _grey(folder / path, rng)
        _write(base / f"{name}.csv", CHEXPERT, made)
    return [
        str(base / "train.csv"),
        "--root",
        str(folder),
        "--pictures",
        str(folder),
        "--image",
        "Path",
        "--table",
        "Sex",
        "Age",
        "--labels",
        *(label for label in labels if label != "No Finding"),
        "--uncertain",
        "0",
        "--empty-label",
        "negative",
        "--patient",
        "Path~patient[0-9]+",
        *NO_TEXT,
    ]


def oasis1(folder: Path, rows: int = 40, seed: int = 0) -> list[str]:
    """oasis_cross-sectional.csv; discN/ID/PROCESSED/MPRAGE/T88_111/ has Analyze volumes and a GIF of one slice."""
    rng = random.Random(seed)
    made: list[dict[str, Cell]] = []
    for i in range(rows):
        person, scan = (i + 1, 1) if i < rows - 2 else (i - 1, 2)  # The last two are second scans.
        name, old = f"OAS1_{person:04}_MR{scan}", i % 2 == 0
        made.append({
            "ID": name, "M/F": rng.choice("MF"), "Hand": "R",
            "Age": rng.randint(60, 96) if old else rng.randint(18, 59),
            "Educ": rng.randint(1, 5) if old else "", "SES": _gap(rng, rng.randint(1, 5), 0.1) if old else "",
            "MMSE": rng.randint(15, 30) if old else "", "CDR": rng.choice((0, 0.5, 1)) if old else "",
            "eTIV": rng.randint(1100, 2000), "nWBV": round(rng.uniform(0.64, 0.89), 3),
            "ASF": round(rng.uniform(0.88, 1.56), 3), "Delay": "N/A" if scan == 1 else rng.randint(1, 90),
        })  # fmt: skip
        slices = folder / f"disc{1 + i % 2}" / name / "PROCESSED" / "MPRAGE" / "T88_111"
        _grey(slices / f"{name}_mpr_n4_anon_111_t88_gfc_cor_110.gif", rng)
    _write(folder / "oasis_cross-sectional.csv", OASIS1, made)
    return [
        str(folder / "oasis_cross-sectional.csv"),
        "--image",
        "slice={ID}/PROCESSED/MPRAGE/T88_111/{ID}_mpr_n4_anon_111_t88_gfc_cor_110.gif",
        "--table",
        "M/F",
        "Age",
        "Educ:number",
        "SES:number",
        "eTIV",
        "nWBV",
        "--labels",
        "CDR",
        "--empty-label",
        "leave-out",
        "--id",
        "ID",
        "--patient",
        "ID~OAS1_[0-9]+",
        "--pictures",
        *(str(folder / f"disc{n}") for n in (1, 2)),
        *NO_TEXT,
    ]


def oasis2(folder: Path, rows: int = 40, seed: int = 0) -> list[str]:
    """oasis_longitudinal.csv alone: the volumes are .hdr and .img pairs, which are to be converted."""
    rng = random.Random(seed)
    made: list[dict[str, Cell]] = []
    for i in range(rows):
        person, visit = i // 2 + 1, 1 + i % 2
        group = ("Nondemented", "Demented", "Converted")[person % 3]
        made.append({
            "Subject ID": f"OAS2_{person:04}", "MRI ID": f"OAS2_{person:04}_MR{visit}", "Group": group,
            "Visit": visit, "MR Delay": 0 if visit == 1 else rng.randint(300, 900), "M/F": "MF"[person % 2],
            "Hand": "R", "Age": 60 + person % 30 + visit, "EDUC": rng.randint(6, 23),
            "SES": _gap(rng, rng.randint(1, 5), 0.05), "MMSE": _gap(rng, rng.randint(4, 30), 0.01),
            "CDR": 0 if group == "Nondemented" else 0.5, "eTIV": rng.randint(1100, 2000),
            "nWBV": round(rng.uniform(0.64, 0.84), 3), "ASF": round(rng.uniform(0.88, 1.56), 3),
        })  # fmt: skip
    _write(folder / "oasis_longitudinal.csv", OASIS2, made)
    return [
        str(folder / "oasis_longitudinal.csv"),
        "--table",
        "M/F",
        "Age",
        "EDUC",
        "SES",
        "eTIV",
        "nWBV",
        "ASF",
        "--labels",
        "Group",
        "--id",
        "MRI ID",
        "--patient",
        "Subject ID",
        *NO_TEXT,
    ]


def adnimerge(folder: Path, rows: int = 40, seed: int = 0) -> list[str]:
    """ADNIMERGE.csv: a row a visit, most measurements absent at most visits, some diagnoses empty, ABETA as text."""
    rng = random.Random(seed)
    made: list[dict[str, Cell]] = []
    for i in range(rows):
        person, visit = i // 3 + 1, ("bl", "m06", "m12")[i % 3]
        state = ("CN", "MCI", "Dementia")[person % 3]
        made.append({
            "RID": person, "COLPROT": "ADNI1", "ORIGPROT": "ADNI1", "PTID": f"999_S_{person:04}", "SITE": 999,
            "VISCODE": visit, "EXAMDATE": f"2006-0{1 + i % 3}-15", "DX_bl": ("CN", "LMCI", "AD")[person % 3],
            "AGE": round(rng.uniform(55, 90), 1), "PTGENDER": rng.choice(("Male", "Female")),
            "PTEDUCAT": rng.randint(8, 20), "APOE4": person % 3, "MMSE": rng.randint(15, 30),
            "FDG": _gap(rng, round(rng.uniform(0.8, 1.5), 5), 0.6),
            "ABETA": _gap(rng, rng.choice((">1700", "812.5", "1333.3")), 0.6), "TAU": _gap(rng, "201.5", 0.6),
            "PTAU": _gap(rng, rng.choice(("19.11", "<8")), 0.6), "CDRSB": rng.randint(0, 6),
            "IMAGEUID": 30000 + i, "Ventricles": _gap(rng, rng.randint(10000, 90000), 0.3),
            "Hippocampus": _gap(rng, rng.randint(4000, 9000), 0.3), "ICV": _gap(rng, 1600000, 0.2),
            "DX": _gap(rng, state, 0.25), "Years_bl": i % 3 / 2, "Month": 6 * (i % 3), "M": 6 * (i % 3),
        })  # fmt: skip
    _write(folder / "ADNIMERGE.csv", ADNIMERGE, made)
    return [
        str(folder / "ADNIMERGE.csv"),
        "--table",
        "AGE",
        "PTGENDER",
        "PTEDUCAT",
        "APOE4",
        "FDG",
        "ABETA:number",
        "TAU:number",
        "PTAU:number",
        "Ventricles",
        "Hippocampus",
        "ICV",
        "--labels",
        "DX",
        "--empty-label",
        "leave-out",
        "--patient",
        "PTID",
        *NO_TEXT,
    ]


def isic2019(folder: Path, rows: int = 40, seed: int = 0) -> list[str]:
    """Two tables, joined by `image`; nine columns of which one is 1.0; names without suffix."""
    rng = random.Random(seed)
    labels = ISIC2019_LABELS.split(",")
    truth: list[dict[str, Cell]] = []
    known: list[dict[str, Cell]] = []
    for i in range(rows):
        name = f"ISIC_{i:07}" + ("_downsampled" if i % 9 == 8 else "")
        truth.append({"image": name} | {label: float(k == i % 8) for k, label in enumerate(labels)})
        known.append({
            "image": name, "age_approx": _gap(rng, rng.randrange(5, 90, 5), 0.02),
            "anatom_site_general": _gap(rng, "anterior torso", 0.1),
            "lesion_id": _gap(rng, f"BCN_{i // 2:07}", 0.1), "sex": _gap(rng, rng.choice(("male", "female")), 0.02),
        })  # fmt: skip
        _picture(folder / "ISIC_2019_Training_Input" / f"{name}.jpg", rng)
    _write(folder / "ISIC_2019_Training_GroundTruth.csv", f"image,{ISIC2019_LABELS}", truth)
    _write(folder / "ISIC_2019_Training_Metadata.csv", ISIC2019_METADATA, known)
    return [
        str(folder / "ISIC_2019_Training_GroundTruth.csv"),
        "--join",
        "ISIC_2019_Training_Metadata.csv:image",
        "--image",
        "lesion={image}.jpg",
        "--labels",
        *labels,
        "--exclusive",
        "--id",
        "image",
        "--table",
        "age_approx",
        "anatom_site_general",
        "sex",
        "--patient",
        "lesion_id",
        "--empty-patient",
        "own",
        "--pictures",
        str(folder / "ISIC_2019_Training_Input"),
        *NO_TEXT,
    ]


def isic2020(folder: Path, rows: int = 40, seed: int = 0) -> list[str]:
    """One table, one patient column, names without suffix, and a table of pairs that are the same picture."""
    rng = random.Random(seed)
    made: list[dict[str, Cell]] = []
    for i in range(rows):
        ill = _sure(rng, 0.25)
        made.append({
            "image_name": f"ISIC_{i:07}", "patient_id": f"IP_{i // 2:07}", "sex": _gap(rng, "male", 0.02),
            "age_approx": _gap(rng, float(rng.randrange(15, 90, 5)), 0.02),
            "anatom_site_general_challenge": _gap(rng, rng.choice(("torso", "head/neck")), 0.05),
            "diagnosis": "melanoma" if ill else rng.choice(("unknown", "nevus")),
            "benign_malignant": "malignant" if ill else "benign", "target": ill,
        })  # fmt: skip
        _picture(folder / "ISIC_2020_Training_JPEG" / "train" / f"ISIC_{i:07}.jpg", rng)
    _write(folder / "ISIC_2020_Training_GroundTruth.csv", ISIC2020, made)
    twice: list[dict[str, Cell]] = [{"image_name_1": "ISIC_0000000", "image_name_2": "ISIC_0000005"}]
    _write(folder / "ISIC_2020_Training_Duplicates.csv", ISIC2020_DUPLICATES, twice)
    return [
        str(folder / "ISIC_2020_Training_GroundTruth.csv"),
        "--image",
        "lesion={image_name}.jpg",
        "--table",
        "sex",
        "age_approx",
        "anatom_site_general_challenge",
        "--labels",
        "target",
        "--id",
        "image_name",
        "--patient",
        "patient_id",
        "--pictures",
        str(folder / "ISIC_2020_Training_JPEG" / "train"),
        *NO_TEXT,
    ]


def openi(folder: Path, rows: int = 40, seed: int = 0) -> list[str]:
    """indiana_reports.csv, a row a report, and indiana_projections.csv, a row a film, joined by uid."""
    rng = random.Random(seed)
    reports: list[dict[str, Cell]] = []
    films: list[dict[str, Cell]] = []
    for i in range(1, rows + 1):
        problems = "normal" if i % 2 else ";".join(rng.sample(("Cardiomegaly", "Opacity", "Nodule"), 2))
        reports.append({
            "uid": i, "MeSH": problems, "Problems": problems, "image": "PA and lateral", "indication": "XXXX pain",
            "comparison": "None.", "findings": _gap(rng, "The heart is normal in size.", 0.13),
            "impression": _gap(rng, "No acute disease.", 0.02),
        })  # fmt: skip
        for view, number in (("Frontal", 1001), ("Lateral", 2001)):
            name = f"{i}_IM-{i:04}-{number}.dcm.png"
            films.append({"uid": i, "filename": name, "projection": view})
            _grey(folder / "images" / "images_normalized" / name, rng)
    _write(folder / "indiana_reports.csv", OPENI_REPORTS, reports)
    _write(folder / "indiana_projections.csv", OPENI_PROJECTIONS, films)
    return [
        str(folder / "indiana_reports.csv"),
        "--join",
        "indiana_projections.csv:uid:list",
        "--image",
        "filename",
        "--text",
        "findings",
        "impression",
        "--labels",
        "Problems",
        "--none-label",
        "normal",
        "--id",
        "uid",
        "--pictures",
        str(folder / "images" / "images_normalized"),
    ]


def nih_cxr14(folder: Path, rows: int = 40, seed: int = 0) -> list[str]:
    """Data_Entry_2017_v2020.csv; twelve folders of pictures, of which no column speaks; the split in two lists."""
    rng = random.Random(seed)
    made: list[dict[str, Cell]] = []
    for i in range(rows):
        name = f"{i // 2 + 1:08}_{i % 2:03}.png"
        findings = "|".join(rng.sample(("Effusion", "Mass", "Nodule", "Edema"), 2)) if i % 2 else "No Finding"
        made.append({
            "Image Index": name, "Finding Labels": findings, "Follow-up #": i % 2, "Patient ID": i // 2 + 1,
            "Patient Age": rng.randint(1, 95), "Patient Gender": rng.choice("MF"), "View Position": "PA",
            "OriginalImage[Width": 2682, "Height]": 2749, "OriginalImagePixelSpacing[x": 0.143, "y]": 0.143,
        })  # fmt: skip
        _grey(folder / f"images_{1 + i % 12:03}" / "images" / name, rng)
    _write(folder / "Data_Entry_2017_v2020.csv", NIH_CXR14, made)
    names = [str(row["Image Index"]) for row in made]
    (folder / "train_val_list.txt").write_text("\n".join(names[: rows * 3 // 4]) + "\n")
    (folder / "test_list.txt").write_text("\n".join(names[rows * 3 // 4 :]) + "\n")
    return [
        str(folder / "Data_Entry_2017_v2020.csv"),
        "--image",
        "Image Index",
        "--table",
        "Patient Age",
        "Patient Gender",
        "View Position",
        "--labels",
        "Finding Labels",
        "--id",
        "Image Index",
        "--patient",
        "Patient ID",
        "--none-label",
        "No Finding",
        "--pictures",
        *(str(folder / f"images_{n:03}" / "images") for n in range(1, 13)),
        *NO_TEXT,
    ]


def milk10k(folder: Path, rows: int = 40, seed: int = 0) -> list[str]:
    """A lesion is a row of labels, two rows of metadata, and a folder of two pictures."""
    rng = random.Random(seed)
    labels = MILK10K_LABELS.split(",")
    truth: list[dict[str, Cell]] = []
    known: list[dict[str, Cell]] = []
    for i in range(rows):
        lesion = f"IL_{i:07}"
        truth.append({"lesion_id": lesion} | {label: float(k == i % 11) for k, label in enumerate(labels)})
        age, sex, tone = rng.randrange(20, 90, 5), rng.choice(("male", "female")), rng.randint(0, 5)
        for kind in ("clinical: close-up", "dermoscopic"):
            name = f"ISIC_{len(known):07}"
            known.append({
                "lesion_id": lesion, "image_type": kind, "isic_id": name, "attribution": "MILK study team",
                "copyright_license": "CC-BY-NC", "image_manipulation": "altered", "age_approx": age, "sex": sex,
                "skin_tone_class": tone, "site": "head_neck_face", "MONET_hair": round(rng.random(), 6),
            })  # fmt: skip
            _picture(folder / "MILK10k_Training_Input" / lesion / f"{name}.jpg", rng)
    _write(folder / "MILK10k_Training_GroundTruth.csv", f"lesion_id,{MILK10K_LABELS}", truth)
    _write(folder / "MILK10k_Training_Metadata.csv", MILK10K_METADATA, known)
    return [
        str(folder / "MILK10k_Training_Metadata.csv"),
        "--join",
        "MILK10k_Training_GroundTruth.csv:lesion_id",
        "--image",
        "lesion={lesion_id}/{isic_id}.jpg",
        "--table",
        "age_approx",
        "sex",
        "skin_tone_class",
        "site",
        "--labels",
        *labels,
        "--exclusive",
        "--id",
        "isic_id",
        "--patient",
        "lesion_id",
        "--pictures",
        str(folder / "MILK10k_Training_Input"),
        *NO_TEXT,
    ]


def chexchonet(folder: Path, rows: int = 40, seed: int = 0) -> list[str]:
    """metadata.csv with whole paths below cxrs/, labels of 0 and 1, a patient column: what `data` was made for."""
    rng = random.Random(seed)
    made: list[dict[str, Cell]] = []
    for i in range(rows):
        patient = f"{i // 2:032x}"
        name = f"{patient}_{_hex(rng, 8)}.jpg"
        thick, wide = _sure(rng), _sure(rng)
        made.append({
            "patient_id": patient, "cxr_filename": name, "cxr_time_offset": f"{i} days", "cxr_year": 2013 + i % 6,
            "cxr_path": f"cxrs/{name}", "cxr_pixel_spacing_x": 0.139, "cxr_pixel_spacing_y": 0.139,
            "age": rng.randint(18, 89), "sex": "MF"[i // 2 % 2], "ivsd": 1.5 if thick else 1.0,
            "lvpwd": 1.5 if thick else 1.0, "lvidd": 6.2 if wide else 4.5, "slvh": thick, "dlv": wide,
            "composite_slvh_dlv": thick | wide, "heart_transplant": 0, "lung_transplant": 0, "pacemaker_or_icd": 0,
        })  # fmt: skip
        _grey(folder / "cxrs" / name, rng)
    _write(folder / "metadata.csv", CHEXCHONET, made)
    return [
        str(folder / "metadata.csv"),
        "--image",
        "cxr_path",
        "--table",
        "age",
        "sex",
        "--labels",
        "slvh",
        "dlv",
        "--id",
        "cxr_filename",
        "--patient",
        "patient_id",
        "--name",
        "chexchonet",
        *NO_TEXT,
    ]


def scin(folder: Path, rows: int = 40, seed: int = 0) -> list[str]:
    """dataset/scin_cases.csv and scin_labels.csv, joined by case_id; paths begin above the tables; weighted labels."""
    rng = random.Random(seed)
    cases: list[dict[str, Cell]] = []
    labels: list[dict[str, Cell]] = []
    shots = ("CLOSE_UP", "AT_AN_ANGLE", "AT_DISTANCE")
    for i in range(rows):
        case = str(rng.randrange(-(10**18), 10**18))
        row: dict[str, Cell] = {
            "case_id": case, "source": "SCIN", "release": "1.0.0", "year": 2023, "related_category": "RASH",
            "age_group": rng.choice(("AGE_18_TO_29", "AGE_UNKNOWN")), "sex_at_birth": "FEMALE",
            "fitzpatrick_skin_type": _gap(rng, f"FST{rng.randint(1, 6)}", 0.5), "textures_flat": _gap(rng, "YES", 0.6),
            "condition_symptoms_itching": _gap(rng, "YES", 0.5), "condition_duration": "ONE_TO_FOUR_WEEKS",
        }  # fmt: skip
        for number in range(1, 2 + rng.randrange(3)):
            path = f"dataset/images/{rng.randrange(-(10**18), 10**18)}.png"
            row |= {f"image_{number}_path": path, f"image_{number}_shot_type": shots[number - 1]}
            _picture(folder / path, rng)
        cases.append(row)
        one, two = rng.sample(("Eczema", "Psoriasis", "Urticaria", "Tinea"), 2)
        weighted = "{}" if i % 3 == 0 else str({one: 0.67, two: 0.33})
        labels.append({
            "case_id": case, "dermatologist_gradable_for_skin_condition_1": "DEFAULT_YES_IMAGE_QUALITY_SUFFICIENT",
            "dermatologist_skin_condition_on_label_name": str([one, two]),
            "dermatologist_skin_condition_confidence": "[4, 2]", "weighted_skin_condition_label": weighted,
            "monk_skin_tone_label_india": _gap(rng, 3.0, 0.2), "monk_skin_tone_label_us": _gap(rng, 4.0, 0.2),
        })  # fmt: skip
    _write(folder / "dataset" / "scin_cases.csv", SCIN_CASES, cases)
    _write(folder / "dataset" / "scin_labels.csv", SCIN_LABELS, labels)
    return [
        str(folder / "dataset" / "scin_cases.csv"),
        "--root",
        str(folder),
        "--pictures",
        str(folder),
        "--join",
        "scin_labels.csv:case_id",
        "--image",
        "image_1_path",
        "image_2_path",
        "image_3_path",
        "--table",
        "age_group",
        "sex_at_birth",
        "fitzpatrick_skin_type",
        "textures_flat",
        "condition_symptoms_itching",
        "--labels",
        "dermatologist_skin_condition_on_label_name",
        "--empty-label",
        "leave-out",
        "--id",
        "case_id",
        *NO_TEXT,
    ]


def symile_mimic(folder: Path, rows: int = 40, seed: int = 0) -> list[str]:
    """symile_mimic_data.csv, as if it lay at the root of MIMIC-CXR-JPG, where its paths of films begin."""
    rng = random.Random(seed)
    made: list[dict[str, Cell]] = []
    for i in range(rows):
        subject, stay, study = 90000000 + i // 2, 20000000 + i, 50000000 + i
        film = "-".join(_hex(rng, 8) for _ in range(5))
        path = f"files/p{subject // 10**6}/p{subject}/s{study}/{film}.jpg"
        row: dict[str, Cell] = {
            "subject_id": subject, "hadm_id": stay, "admittime": "2180-01-01 08:00:00", "admission_type": "EW EMER.",
            "admission_location": "EMERGENCY ROOM", "race": "WHITE", "hospital_expire_flag": int(i % 5 == 0),
            "deathtime": "2180-01-05 08:00:00" if i % 5 == 0 else "", "gender": "FM"[i // 2 % 2], "anchor_age": 60,
            "anchor_year": 2180, "admittime_year": 2180, "age": rng.randint(18, 91), "cxr_24_72_hr": film,
            "cxr_dicom_id": film, "cxr_study_id": study, "cxr_ViewPosition": rng.choice(("AP", "PA")),
            "cxr_path": path, "study_id": study, "ecg_adm": float(40000000 + i), "ecg_study_id": 40000000 + i,
            "ecg_path": f"files/p9000/p{subject}/s{40000000 + i}/{40000000 + i}", "labs_all_nan": 0,
        }  # fmt: skip
        row |= _mentioned(rng, CHEXPERT_LABELS)
        made.append(row | {lab: _gap(rng, round(rng.uniform(1, 100), 1), 0.3) for lab in SYMILE_LABS.split(",")})
        _grey(folder / path, rng)
    _write(folder / "symile_mimic_data.csv", SYMILE_MIMIC, made)
    return [
        str(folder / "symile_mimic_data.csv"),
        "--image",
        "cxr_path",
        "--table",
        "age",
        "gender",
        *SYMILE_LABS.split(","),
        "--labels",
        "hospital_expire_flag",
        "--id",
        "hadm_id",
        "--patient",
        "subject_id",
        *NO_TEXT,
    ]


Made = Callable[[Path, int, int], list[str]]

SETS: dict[str, Made] = {
    make.__name__: make
    for make in (
        pad_ufes_20, derm7pt, ham10000, brset, mbrset, padchest, mimic_cxr_jpg, chexpert, oasis1,
        oasis2, adnimerge, isic2019, isic2020, openi, nih_cxr14, milk10k, chexchonet, scin, symile_mimic,
    )
}  # fmt: skip
